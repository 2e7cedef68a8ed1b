"""Does the model still fit the fleet? Drift, silent streams, and what came of its risks since."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import CODE, ROBOT
from models.artifact import Model
from models.drift import DRIFTED, SHIFTED, against
from models.naming import parse
from models.similar import recurring
from reports.durations import nanoseconds
from reports.inputs import ReportInputs
from reports.precision import precision
from reports.series import DAY, Flags, Risks, Series, Times, by_robot
from reports.words import iso

_DAYS: Final = 7
_MOST: Final = 10
_DRAWS: Final = 400
_FEWEST: Final = 5
_CLEAR: Final = 1.0
_WAYS: Final = {"std": ("steady", "unsteady"), "slope": ("falling", "rising"), "changes": ("rarely", "often")}

Features = Mapping[str, Any]


def watch(inputs: ReportInputs, series: Series, found: pa.Table) -> dict[str, Any]:
    """Drift per feature and of the risk, silent streams, outcomes, verdicts of people, failures that recur.

    Drift and outcomes speak of the newest seven days, and of time the model was not taught, where known.
    """
    return {
        "drift": _drift(inputs),
        "silent_streams": _silent(inputs.join_quality),
        "outcomes": _outcomes(inputs, series, found),
        "verdicts": precision(inputs.verdicts),
        "recurring": _recurring(inputs.card),
    }


def _drift(inputs: ReportInputs) -> dict[str, Any]:
    """Against what the model was taught: the ten features that moved most, and how many did."""
    untaught = (_untaught(inputs.card) or "")[:10]
    days = sorted(day for day in pc.unique(inputs.watch.column("day")).to_pylist() if day)
    shown = [day for day in days if day >= max(untaught, _back(days[-1]))] or days[-1:]
    counts = inputs.watch.filter(pc.is_in(inputs.watch.column("day"), value_set=pa.array(shown, pa.string())))
    rows = against(inputs.card.get("reference", {}), counts).to_pylist()
    features = sorted(
        (row for row in rows if row["feature"] != "risk"), key=lambda row: (-row["psi"], row["feature"])
    )
    return {
        "from": shown[0] if shown else None,
        "to": shown[-1] if shown else None,
        "features": len(features),
        "shifted": sum(row["state"] == SHIFTED for row in features),
        "drifted": sum(row["state"] == DRIFTED for row in features),
        "most": features[:_MOST],
        "risk": next((row for row in rows if row["feature"] == "risk"), None),
    }


def _back(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=_DAYS - 1)).isoformat()


def _untaught(card: Features) -> str | None:
    """When the model's test part starts: nothing later taught it."""
    start = card.get("split", {}).get("borders", {}).get("test starts")
    return None if start is None else str(start)


def _silent(joined: pa.Table) -> list[dict[str, Any]]:
    """Streams without one match on a robot's newest day, though the fleet has them."""
    totals: dict[str, int] = {}
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in joined.to_pylist():
        totals[row["stream"]] = totals.get(row["stream"], 0) + (row["matched"] or 0)
        kept = newest.get((row[ROBOT], row["stream"]))
        if kept is None or (row["day"] or "") >= (kept["day"] or ""):
            newest[row[ROBOT], row["stream"]] = row
    return [
        {ROBOT: name, "stream": stream, "day": row["day"], "anchors": row["anchors"]}
        for (name, stream), row in sorted(newest.items(), key=lambda item: str(item[0]))
        if row["anchors"] and not row["matched"] and totals[stream]
    ]


def _outcomes(inputs: ReportInputs, series: Series, found: pa.Table) -> dict[str, Any]:
    """Foretold against what came true at cut-offs whose horizon has passed.

    `difference` is the rate that came true minus the mean risk, with a 95 % interval by redrawing robots;
    `state` says whether zero lies in it. An alert is true when an episode started in its horizon.
    """
    lead, horizon = (nanoseconds(inputs.duration("labels", name)) for name in ("lead", "horizon"))
    refractory = nanoseconds(inputs.duration("report", "refractory"))
    after = max(series.as_of - _DAYS * DAY, _instant(_untaught(inputs.card)))
    started = by_robot(found)
    sums, alerts, true = [], 0, 0
    for index, name in enumerate(series.robots):
        mine = series.rows(index)
        cutoff, risk = series.cutoff[mine], series.risk[mine]
        closed = (cutoff >= after) & (cutoff + lead + horizon <= cutoff[-1])
        begun = _begun(cutoff, started.get(name, np.empty(0, np.int64)), lead, horizon)
        sums.append((int(closed.sum()), float(risk[closed].sum()), int(begun[closed].sum())))
        raised = np.isin(cutoff, series.raised(index, refractory)) & closed
        alerts += int(raised.sum())
        true += int((begun & raised).sum())
    rows, foretold, came = np.array(sums, np.float64).reshape(-1, 3).T
    if not rows.sum():
        return {"rows": 0, "state": "no outcome is known yet"}
    low, high = _interval(rows, came - foretold)
    difference = float((came - foretold).sum() / rows.sum())
    return {
        "from": iso(int(after)),
        "to": iso(series.as_of),
        "rows": int(rows.sum()),
        "foretold": float(foretold.sum() / rows.sum()),
        "came_true": float(came.sum() / rows.sum()),
        "difference": {"value": difference, "low": low, "high": high},
        "alerts": alerts,
        "true_alerts": true,
        "precision": true / alerts if alerts else None,
        "state": _judged(int((came > 0).sum()), low, high),
    }


def _begun(cutoff: Times, started: Times, lead: int, horizon: int) -> Flags:
    """Whether an episode starts in `[cutoff + lead, cutoff + lead + horizon)`."""
    place = np.searchsorted(started, cutoff + lead, "left")
    return np.asarray(np.searchsorted(started, cutoff + lead + horizon, "left") > place)


def _interval(rows: Risks, gap: Risks) -> tuple[float | None, float | None]:
    if len(rows) < _FEWEST:
        return None, None
    drawn = np.random.default_rng(0).integers(0, len(rows), (_DRAWS, len(rows)))
    count = rows[drawn].sum(axis=1)
    means = gap[drawn].sum(axis=1)[count > 0] / count[count > 0]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _judged(failed: int, low: float | None, high: float | None) -> str:
    if low is None or high is None or failed < 2:
        return "too few failures to say"
    return "risks are too low" if low > 0 else "risks are too high" if high < 0 else "risks hold"


def _instant(iso_text: str | None) -> int:
    return 0 if iso_text is None else int(np.datetime64(iso_text.rstrip("Z"), "ns").astype(np.int64))


def _recurring(card: Features) -> list[dict[str, Any]]:
    """Clusters of at least two training failures that look alike, largest first, and what marks them."""
    known = card.get("cases")
    if not known:
        return []
    table = recurring(Model("", card))
    points = dict(
        zip(zip(known["robot"], known["failure"], strict=True), np.asarray(known["points"]), strict=True)
    )
    clusters: dict[int, list[dict[str, Any]]] = {}
    times = table.column("failure").cast(pa.int64()).to_pylist()
    for row, at in zip(table.drop_columns(["failure"]).to_pylist(), times, strict=True):
        clusters.setdefault(row["cluster"], []).append(row | {"at": at})
    return [
        {
            "failures": len(rows),
            "robots": len({row[ROBOT] for row in rows}),
            "codes": sorted({row[CODE] for row in rows if row[CODE]}),
            "first": iso(min(row["at"] for row in rows)),
            "last": iso(max(row["at"] for row in rows)),
            "marks": _marks(card, np.mean([points[row[ROBOT], row["at"]] for row in rows], axis=0)),
        }
        for _, rows in sorted(clusters.items())[:_MOST]
        if len(rows) > 1
    ]


def _marks(card: Features, centre: Risks) -> list[str]:
    """The sources whose features lie furthest from usual in a cluster, at most three, and which way.

    A level (mean, highest, latest …) tells the way where one is clear; else how the source moved.
    """
    marks: dict[str, str] = {}
    levels: dict[str, str] = {}
    for place in np.argsort(-np.abs(centre), kind="stable"):
        if abs(centre[place]) < _CLEAR:
            break
        name = parse(card["features"][card["cases"]["columns"][place]]["name"])
        source = name.source.replace("__", " ").replace("_", " ")
        low, high = _WAYS.get(name.statistic, ("low", "high"))
        marks.setdefault(source, high if centre[place] > 0 else low)
        if name.statistic not in _WAYS:
            levels.setdefault(source, high if centre[place] > 0 else low)
    return [f"{source} {way}" for source, way in list((marks | levels).items())[:3]]
