"""Size and time of the failure-risk report for 10, 100 and 1,000 robots, two days of cut-offs every 30 s.

`python -m benchmarks.reports` (in the repository) prints one line per fleet. The data are synthetic.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.schema import CUTOFF, FAILURES, ROBOT, TIMESTAMP
from reports.risk_report import ReportInputs, build_report

DAYS, STEP = 2, 30 * 10**9
START = 1_772_323_200_000_000_000
SETTINGS = {
    "project": {"name": "benchmark"},
    "report": {"title": "", "rank_by": "day", "reasons": 5, "alerts_per_robot_day": 1.0, "refractory": "30m"},
    "labels": {"windows": ["10s", "42s", "2m"], "lead": "0s", "horizon": "10m", "episode_gap": "5m"},
    "clock": {"beyond": "10s", "correct": False, "settle": "1m"},
}


def inputs(robots: int) -> ReportInputs:
    generator = np.random.default_rng(7)
    names = [f"amr-{index:04d}" for index in range(robots)]
    steps = DAYS * 86_400 * 10**9 // STEP
    cutoff = START + STEP * np.tile(np.arange(1, steps + 1), robots)
    risk = generator.beta(0.3, 12, size=len(cutoff))
    when = START + generator.integers(0, DAYS * 86_400 * 10**9, size=2 * robots)
    told = [(name, when) for name in names for when in cutoff[steps // 2 - 1 : steps : steps // 2]]
    empty = pa.table({})
    return ReportInputs(
        settings=SETTINGS,
        risk=pa.table(
            {
                ROBOT: pa.array(np.repeat(names, steps), pa.string()),
                CUTOFF: pa.array(cutoff).cast(TIMESTAMP),
                "risk": pa.array(risk),
                "alert": pa.array(risk > 0.3),
            }
        ),
        reasons=pa.table(
            {
                ROBOT: pa.array([name for name, _ in told for _ in range(5)]),
                CUTOFF: pa.array([int(at) for _, at in told for _ in range(5)]).cast(TIMESTAMP),
                "rank": pa.array([rank for _ in told for rank in range(1, 6)], pa.int32()),
                "words": ["battery voltage averaged 22.1 V in the last 42 s; usual: 25 V"] * (5 * len(told)),
            }
        ),
        similar=empty,
        watch=empty,
        dependence=empty,
        failures=pa.table(
            [pa.array(generator.choice(names, len(when))), pa.array(when).cast(TIMESTAMP), ["E"] * len(when)],
            schema=FAILURES,
        ),
        excluded=empty,
        evaluation={},
        card={"threshold": 0.3},
        accounting=empty,
        quarantine=empty,
        clocks=empty,
        join_quality=pa.table(
            {
                ROBOT: [name for name in names for _ in range(8)],
                "stream": ["pose", "odometry", "mission", "battery"] * (2 * robots),
                "anchors": [17_280] * (8 * robots),
                "matched": [17_000] * (8 * robots),
            }
        ),
        operation=empty,
        facts=pa.table({ROBOT: names, "info__firmware": [f"4.{index % 4}" for index in range(robots)]}),
        provenance={},
    )


def main() -> None:
    print(f"{'robots':>7} {'cut-offs':>10} {'seconds':>8} {'page kB':>8} {'csv kB':>7} {'summary kB':>11}")
    for robots in (10, 10, 100, 1_000):
        given = inputs(robots)
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            build_report(given, Path(folder))
            took = time.perf_counter() - began
            page, table, summary = (
                (Path(folder) / name).stat().st_size / 1e3
                for name in ("report.html", "risk.csv", "summary.json")
            )
        row = (robots, given.risk.num_rows, took, page, table, summary)
        print("{:>7,} {:>10,} {:>8.2f} {:>8.0f} {:>7.0f} {:>11.0f}".format(*row))


if __name__ == "__main__":
    main()
