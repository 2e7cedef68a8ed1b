"""A small fleet with everything a report speaks of, so that tests can bend one part at a time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from features.operation import OPERATION
from features.schema import FAILURES, TIMESTAMP
from models import evaluate as ev
from models.bootstrap import Figure
from models.explain import REASONS
from models.similar import SCHEMA as SIMILAR
from reports.risk_report import ReportInputs

START = 1_772_323_200_000_000_000  # 2026-03-01T00:00:00Z
SECOND = 10**9
STEP = 600 * SECOND
DAY = 86_400 * SECOND

SETTINGS: dict[str, Any] = {
    "project": {"name": "warehouse 7"},
    "report": {
        "title": "",
        "rank_by": "day",
        "reasons": 5,
        "alerts_per_robot_day": 1.0,
        "refractory": "30m",
    },
    "labels": {"windows": ["10s", "42s", "2m"], "lead": "0s", "horizon": "10m", "episode_gap": "5m"},
    "clock": {"beyond": "10s", "correct": False, "settle": "1m"},
}
WORDS = (
    "battery voltage averaged 22.1 V in the last 42 s; usual: 25.3 V",
    "odometry speed varied by ±0.41 m/s in the last 2 min; usual: ±0.06 m/s",
    "wheel slip was 0.31 at its highest in the last 10 s; usual: 0.02",
    "localization score was 0.52 at its lowest in the last 2 min; usual: 0.97",
    "the last error came 5 min 12 s ago; usual: 1 h ago",
)
CASES: dict[str, Any] = {
    "columns": [0, 1],
    "points": [[-3.0, 0.2], [-3.1, 0.1], [-2.9, 0.2], [4.0, 0.0], [0.0, 9.0]],
    "near": 0.5,
    "robot": ["amr-001", "amr-004", "amr-001", "amr-007", "amr-010"],
    "failure": [START + hour * 3_600 * SECOND for hour in range(5)],
    "code": ["E_UNDERVOLTAGE"] * 3 + ["E_TRACTION"] * 2,
}


def make_fleet(robots: int = 12, days: float = 2.0, **changes: Any) -> ReportInputs:
    """A fleet whose first third fails every few hours and whose risk swells before."""
    generator = np.random.default_rng(7)
    count = int(days * 86_400 * SECOND // STEP)
    grid = START + STEP * np.arange(1, count + 1)
    risk, failures, reasons, similar = [], [], [], []
    for index in range(robots):
        name = f"amr-{index + 1:03d}"
        bad = index % 3 == 0
        level = np.clip(0.01 + 0.005 * generator.standard_normal(count).cumsum() / 8, 0.001, 0.05)
        if bad:
            for at in generator.choice(np.arange(6, count), size=max(1, int(2 * days)), replace=False):
                level[max(0, at - 5) : at] += np.linspace(0.1, 0.6, 5)[-min(5, at) :]
                failures.append(
                    (name, int(grid[at]) + 37 * SECOND, "E_UNDERVOLTAGE" if index % 2 else "E_TRACTION")
                )
        risk += [(name, int(cut), float(r), bool(r >= 0.35)) for cut, r in zip(grid, level, strict=True)]
        for at in (int(np.argmax(level)), count - 1):
            reasons += [
                (
                    name,
                    int(grid[at]),
                    rank,
                    f"f{rank}",
                    "",
                    "",
                    "",
                    "",
                    "22.1",
                    "25.3",
                    "V",
                    1.0 / rank,
                    0.7 / rank,
                    text,
                )
                for rank, text in enumerate(WORDS[index % 2 :], start=1)
            ]
            similar += [
                (name, int(grid[at]), rank, f"amr-{rank:03d}", START, START + rank * 300 * SECOND, *rest)
                for rank in (1, 2, 3)
                for rest in [("E_TRACTION", 0.4 * rank, index == 2)]
            ]
    values = {
        "settings": SETTINGS,
        "risk": table(risk, ("robot_id", "cutoff", "risk", "alert"), ("s", "t", "f", "b")),
        "reasons": rows_of(REASONS, reasons),
        "similar": rows_of(SIMILAR, similar),
        "watch": pa.table(
            {
                "day": ["2026-03-01", "2026-03-02"] * 2,
                "feature": ["battery__voltage__mean__42s"] * 2 + ["risk"] * 2,
                "counts": [[500, 500, 0], [900, 90, 10], [480, 520, 0], [500, 500, 0]],
            }
        ),
        "dependence": pa.table(
            {
                "feature": ["battery__voltage__mean__42s"] * 3 + ["state__last__42s"] * 2,
                "value": ["22.1", "24", "25.5", "busy", "idle"],
                "risk": [0.3, 0.05, 0.01, 0.04, 0.02],
            }
        ),
        "failures": rows_of(FAILURES, failures),
        "excluded": pa.table({"reason": ["failure_in_window", "insufficient_data"], "count": [41, 7]}),
        "evaluation": msgspec.to_builtins(evaluation()),
        "card": {
            "kind": "boosted trees",
            "threshold": 0.35,
            "features": [{"name": "battery__voltage__mean__42s"}] * 120,
            "reference": {
                "battery__voltage__mean__42s": {"edges": [24.0], "shares": [0.5, 0.5, 0.0], "rows": 9_000},
                "risk": {"edges": [0.01], "shares": [0.5, 0.5, 0.0], "rows": 9_000},
            },
            "cases": CASES,
            "importance": [{"feature": "battery__voltage__mean__42s", "gain": 0.41}],
            "leakage_certificate": {"rows_checked": 34_560, "latest_used_after_cutoff": 0, "margin_s": 0.2},
        },
        "accounting": pa.table(
            {
                "source": ["a.zip", "a.zip", "a.zip"],
                "unit": ["member", "record", "record"],
                "stream": ["", "pose", "battery"],
                "robot_id": ["", "amr-001", "amr-001"],
                "received": [415_042, 300_000, 20_000],
                "accepted": [415_000, 299_000, 19_990],
                "duplicates": [30, 900, 10],
                "quarantined": [12, 100, 0],
            }
        ),
        "quarantine": pa.table(
            {
                "source": ["/2026-03-01/amr-002.zip"] * 3,
                "member": ["1772323205.json.gz", "1772323210.json.gz", "1772323215.json.gz"],
                "line": pa.array([None, 1, 1], pa.int64()),
                "offset": pa.array([None, 17, 0], pa.int64()),
                "stream": pa.array([None, None, "pose"], pa.string()),
                "robot_id": ["amr-002"] * 3,
                "reason": ["truncated_gzip", "broken_json", "broken_json"],
                "detail": ["ended after 311 of 1 204 bytes", "expected ',' at 18", "expected '}' at the end"],
                "raw": pa.array(
                    [b"\x1f\x8b\x08\x00\xff", b'{"ts": 1772323210 "x"', b'{"ts": 1'], pa.binary()
                ),
            }
        ),
        "join_quality": pa.table(
            {
                "robot_id": ["amr-001", "amr-002"] * 2,
                "day": ["2026-03-02"] * 4,
                "stream": ["battery", "battery", "odometry", "odometry"],
                "anchors": [17_280] * 4,
                "matched": [17_280, 16_000, 17_100, 17_271],
                "distance_median_s": [0.4, 0.5, 0.21, 0.2],
                "distance_p95_s": [1.9, 2.4, 0.6, 0.7],
                "duplicates": [0, 2, 0, 1],
                "superseded": [0, 0, 3, 0],
            }
        ),
        "clocks": pa.table(
            {
                "robot_id": ["amr-001", "amr-002"] * 2,
                "stream": ["battery", "battery", "odometry", "odometry"],
                "records": [17_280, 16_000, 17_280, 17_280],
                "offset_s": [0.2, 3_600.5, 0.3, None],
                "drift_ppm": [-3.0, 12.0, 0.5, None],
                "resolution_s": [0.001, 1.0, 0.001, 0.001],
                "out_of_order_share": [0.0, 0.01, 0.0, None],
                "duplicates": [0, 2, 0, 1],
                "corrected": [0, 15_988, 0, 0],
                "shift_s": [None, 3_600.5, None, None],
            }
        ),
        "operation": operated(robots, int(np.ceil(days)), failures),
        "facts": pa.table(
            {
                "robot_id": [f"amr-{index + 1:03d}" for index in range(robots)],
                "info__firmware": ["4.2.0" if index % 3 == 0 else "4.1.2" for index in range(robots)],
                "info__site": ["hall-a" if index % 2 else "hall-b" for index in range(robots)],
                "info__serial": [f"S{index}" for index in range(robots)],
            }
        ),
        "provenance": {"risk": "3f" * 16, "config": "9c" * 16, "model": "3f" * 16},
    }
    return ReportInputs(**values | changes)


def operated(robots: int, days: int, failures: list[tuple[str, int, str]]) -> pa.Table:
    """Work of every robot but the last: up 300 s after each failure; every third succeeds less."""
    rows = []
    for index in range(robots - 1):
        name = f"amr-{index + 1:03d}"
        for day in range(days):
            begin = START + day * 86_400 * SECOND
            up = [at + 300 * SECOND for robot, at, _ in failures if robot == name and 0 <= at - begin < DAY]
            rows.append(
                {
                    "robot_id": name,
                    "day": f"2026-03-{day + 1:02d}",
                    "working": [begin + 60 * SECOND, *sorted(up)],
                    "interventions": [begin + 7_200 * SECOND] if index == 1 else [],
                    "succeeded": 90 if index % 3 else 80,
                    "failed": 1 if index % 3 else 12,
                    "distance_m": 9_500.0 + index,
                    "charge_drawn": 1.4,
                    "discharging_s": 50_000.0,
                    "charge_lowest": 0.3 + index / 100,
                    "health": None,
                    "cohorts": [("status__hall", "north" if index % 2 else "south")],
                }
            )
    return pa.Table.from_pylist(rows, schema=OPERATION)


def evaluation(
    word: str = "useful", sentence: str = "Useful: 21 of 26 failure episodes caught."
) -> ev.Evaluation:
    """An evaluation with a model, three baselines, pictures and unseen robots."""
    model = predictor("model", 0.42, 21, beaten=None)
    part = ev.Part(
        question="by time",
        counts={"train rows": 20_000, "test rows": 6_912},
        borders={"test starts": "2026-03-02T14:00:00Z"},
        interval_unit="robot",
        threshold_basis="best F1 over episodes within 1 alerts per robot-day on validation",
        calibration="isotonic",
        model=model,
        baselines=(
            predictor("constant fleet rate", 0.03, 0, beaten=True, about="0.03 for every row"),
            predictor("best single feature", 0.2, 9, beaten=True, about="voltage mean below a threshold"),
            predictor("permuted labels", 0.05, 1, beaten=False),
        ),
        verdict=ev.Verdict(word, sentence),
        reliability=tuple(
            ev.Bin(low, 1.5 * low, 700, int(700 * low), 1.2 * low, low)
            for low in (0.002, 0.01, 0.05, 0.2, 0.4)
        ),
        pr_curve=tuple(ev.CurvePoint(1 - r, r, 0.95 - 0.8 * r * r) for r in np.linspace(0, 1, 30).tolist()),
        lead_times=tuple(ev.LeadPoint(s, 0.81 * (1 - s / 700)) for s in np.linspace(0, 600, 25).tolist()),
        budget=(ev.BudgetPoint(2.0, 0.5, 2.1, 0.6, 0.5, 0.07, 1.4, 320.0),),
        slices=(ev.Slice("robot", "amr-001", 576, 20, 0.4, 0.8, 4, 3, 5, 2, 0.4),),
    )
    return ev.Evaluation(
        by_time=part,
        by_robot=replace(part, question="by robot"),
        nested=None,
        counts={"windows": 34_560},
        excluded={"failure_in_window": 41},
        notes=("only two days of data",),
    )


def predictor(name: str, pr_auc: float, caught: int, *, beaten: bool | None, about: str = "") -> ev.Predictor:
    """A line of figures that hang together well enough to be shown."""
    return ev.Predictor(
        name=name,
        about=about,
        threshold=0.35,
        rows=ev.RowFigures(
            rows=6_912,
            positives=208,
            prevalence=208 / 6_912,
            pr_auc=Figure(pr_auc, pr_auc * 0.8, min(1.0, pr_auc * 1.2)),
            roc_auc=Figure(0.5 + pr_auc / 2, None, None),
            brier=Figure(0.03 - pr_auc / 50, 0.01, 0.04),
            precision=0.4,
            recall=0.5,
            f1=0.44,
        ),
        episodes=ev.EpisodeFigures(
            episodes=26,
            unreachable=1,
            caught=caught,
            recall=Figure(caught / 26, max(0.0, caught / 26 - 0.15), min(1.0, caught / 26 + 0.15)),
            robot_days=4.8,
            alerts=caught + 4,
            false_alarms=4,
            false_alarms_per_robot_day=Figure(4 / 4.8, 0.3, 1.6),
            precision=Figure(caught / (caught + 4), 0.2, 0.9),
            lead_time_median_s=412.0 if caught else None,
            lead_time_p10_s=95.0 if caught else None,
            time_in_warning=0.06,
        ),
        difference=Figure(None) if beaten is None else Figure(0.42 - pr_auc, 0.3 - pr_auc, 0.5 - pr_auc),
        beaten=beaten,
    )


def table(rows: list[tuple[Any, ...]], names: tuple[str, ...], kinds: tuple[str, ...]) -> pa.Table:
    types = {"s": pa.string(), "t": TIMESTAMP, "f": pa.float64(), "b": pa.bool_()}
    return rows_of(pa.schema([(name, types[kind]) for name, kind in zip(names, kinds, strict=True)]), rows)


def rows_of(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows as a table; times are ns since the epoch."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table(
        [
            pa.array(values, pa.int64()).cast(TIMESTAMP)
            if kind.type == TIMESTAMP
            else pa.array(values, kind.type)
            for values, kind in zip(columns, schema, strict=True)
        ],
        schema=schema,
    )


@pytest.fixture(scope="session")
def fleet() -> Callable[..., ReportInputs]:
    """`make_fleet`: a fleet, any input replaced by keyword."""
    return make_fleet
