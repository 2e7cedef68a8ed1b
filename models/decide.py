"""The threshold is chosen once, on validation, within an alert budget; the test part never sees a choice."""

from dataclasses import dataclass

import numpy as np

from models.calibrate import Calibration, Scores, fit
from models.dataset import Flags
from models.episodes import Stream

NEVER = 1.0
_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Decision:
    """How a score becomes a risk and a risk an alert (`risk >= threshold`); `basis` says why there."""

    calibration: Calibration
    threshold: float
    basis: str


def decide(score: Scores, validation: Stream, budget: float) -> Decision:
    """Calibrate on the validation rows and pick their threshold; `score` in log-odds, one per row."""
    calibration = fit(score, validation.label)
    return Decision(calibration, *threshold(calibration.risk(score), validation, budget))


def threshold(risk: Scores, validation: Stream, budget: float) -> tuple[float, str]:
    """The threshold with the best episode F1 within `budget` alerts per robot-day, and why.

    Episode F1 joins the share of alerts that were true with the share of episodes caught; ties go to the
    better row F1, then to the threshold nearest half that row F1, the optimum for calibrated risks (Lipton,
    Elkan & Naryanaswamy 2014). Candidates are the gaps below up to 200 distinct risks, highest first.
    Without a failure in validation the lowest threshold within the budget is taken; if none is, the
    threshold is 1 and no alert is ever raised.
    """
    days = len(validation) * validation.days
    best, tied = (0.0, 0.0), [(NEVER, NEVER)]
    failures = bool(validation.label.any())
    for low, high in _gaps(risk):
        hot = risk >= high
        outcome = validation.judged(hot)
        rate = len(outcome.alerts) / days if days else 0.0
        if rate > budget:
            if rate > 2 * budget:
                break
            continue
        merit = (
            f1(float(outcome.true.mean()) if len(outcome.true) else 0.0, _share(outcome.caught)),
            row_f1(hot, validation.label),
        )
        if merit > best or not failures:
            best, tied = merit, [(low, high)]
        elif merit == best and merit[0] > 0:
            tied.append((low, high))
    if not failures:
        return _middle(tied[-1]), f"lowest within {budget:g} alerts per robot-day; no failure in validation"
    if best[0] == 0:
        return NEVER, f"no threshold keeps {budget:g} alerts per robot-day and catches a failure"
    wanted = best[1] / 2
    nearest = [min(max(wanted, float(np.nextafter(low, 1))), high) for low, high in tied]
    chosen = min(nearest, key=lambda level: abs(level - wanted))
    return chosen, f"best episode F1 on validation within {budget:g} alerts per robot-day"


def within_budget(risk: Scores, validation: Stream, alerts: float) -> float:
    """The lowest threshold that raised at most `alerts` alerts in the whole validation part."""
    chosen = NEVER
    for gap in _gaps(risk):
        count = len(validation.raised(risk >= gap[1]))
        if count > 2 * alerts:
            break
        if count <= alerts:
            chosen = _middle(gap)
    return chosen


def f1(precision: float, recall: float) -> float:
    """Harmonic mean of precision and recall."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def row_f1(hot: Flags, label: Flags) -> float:
    """F1 of rows: hot against positive."""
    both = int(hot.sum()) + int(label.sum())
    return 2 * int((hot & label).sum()) / both if both else 0.0


def _middle(gap: tuple[float, float]) -> float:
    return (gap[0] + gap[1]) / 2


def _gaps(risk: Scores) -> list[tuple[float, float]]:
    """Neighbouring distinct risks, highest first, dense at the top: any threshold between them acts alike."""
    distinct = np.unique(risk)[::-1]
    place = np.arange(len(distinct) - 1)
    if len(place) > _CANDIDATES:
        place = np.unique(np.geomspace(1, len(place), 2 * _CANDIDATES).astype(np.int64)) - 1
        place = place[:: max(1, len(place) // _CANDIDATES)]
    return [(float(distinct[i + 1]), float(distinct[i])) for i in place]


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else 0.0
