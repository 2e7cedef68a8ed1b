"""Size and time of the failure-risk report and of the dashboard's pages for 10, 100 and 1,000 robots.

Two days of cut-offs every 30 s, and for 1,000 robots 90 days every 30 min; pages are asked
without a network, of a 90 days' report.

`python -m benchmarks.reports` (in the repository) prints one line per fleet and page. The data are synthetic.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from benchmarks.measure import milliseconds
from features.operation import OPERATION
from features.schema import CUTOFF, FAILURES, ROBOT, TIMESTAMP
from reports.dashboard.app import create_app
from reports.dashboard.source import Report
from reports.dashboard.tokens import Tokens
from reports.risk_report import ReportInputs, build_report
from reports.summary import summarize

DAYS, STEP = 2, 30
QUARTER, SELDOM = 90, 1_800
SECOND = 10**9
PAGES = (
    "/",
    "/now?report=older",
    "/robots/amr-0007",
    "/fleet",
    "/failures",
    "/alerts",
    "/api/robots?limit=100",
)
START = 1_772_323_200_000_000_000
SETTINGS = {
    "project": {"name": "benchmark"},
    "report": {"title": "", "rank_by": "day", "reasons": 5, "alerts_per_robot_day": 1.0, "refractory": "30m"},
    "labels": {"windows": ["10s", "42s", "2m"], "lead": "0s", "horizon": "10m", "episode_gap": "5m"},
    "clock": {"beyond": "10s", "correct": False, "settle": "1m"},
}


def inputs(robots: int, days: int = DAYS, every: int = STEP) -> ReportInputs:
    generator = np.random.default_rng(7)
    names = [f"amr-{index:04d}" for index in range(robots)]
    steps = days * 86_400 // every
    cutoff = START + every * SECOND * np.tile(np.arange(1, steps + 1), robots)
    risk = generator.beta(0.3, 12, size=len(cutoff))
    when = START + generator.integers(0, days * 86_400, size=days * robots) * SECOND
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
        operation=operation(names, days),
        facts=pa.table({ROBOT: names, "info__firmware": [f"4.{index % 4}" for index in range(robots)]}),
        provenance={},
    )


def operation(names: list[str], days: int) -> pa.Table:
    """A row a robot-day: it worked again ten minutes into each hour."""
    rows = [
        {
            ROBOT: name,
            "day": str(np.datetime64(START, "ns").astype("datetime64[D]") + day),
            "working": [START + (day * 24 + hour) * 3_600 * SECOND + 600 * SECOND for hour in range(24)],
            "succeeded": 90,
            "failed": 2,
            "distance_m": 9_000.0,
            "charge_drawn": 1.2,
            "discharging_s": 50_000.0,
            "charge_lowest": 0.3,
        }
        for name in names
        for day in range(days)
    ]
    return pa.Table.from_pylist(rows, schema=OPERATION)


class Reported:
    """A source with a report and nothing else, so that only the pages' own work is measured."""

    name = "benchmark"

    def __init__(self, summary: dict[str, Any]) -> None:
        self._report = Report("c0" * 16, summary)

    def report(self) -> Report:
        """The one report."""
        return self._report

    def __getattr__(self, _: str) -> Callable[..., list[Any]]:
        return lambda *_, **__: []


def pages(robots: int, scratch: Path) -> None:
    summary, _ = summarize(inputs(robots, QUARTER, SELDOM).conformed())
    app = create_app(Reported(summary), tokens=Tokens(scratch / "tokens"), scratch=scratch)  # type: ignore[arg-type]

    async def ask(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    for path in PAGES:
        answer = asyncio.run(ask(path))
        assert answer.status_code == 200, answer.text
        took = milliseconds(lambda path=path: asyncio.run(ask(path)))  # type: ignore[misc]
        print(f"{robots:>7,} {path:<24} {took:>8.0f} {len(answer.content) / 1e3:>8.0f}")


def main() -> None:
    heads = ("robots", "days", "cut-offs", "CPU s", "page kB", "csv kB", "summary kB")
    print("{:>7} {:>5} {:>10} {:>8} {:>8} {:>7} {:>11}".format(*heads))
    for robots, days, every in [(n, DAYS, STEP) for n in (10, 10, 100, 1_000)] + [(1_000, QUARTER, SELDOM)]:
        given = inputs(robots, days, every)
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            build_report(given, Path(folder))
            took = time.process_time() - began
            page, table, summary = (
                (Path(folder) / name).stat().st_size / 1e3
                for name in ("report.html", "risk.csv", "summary.json")
            )
        row = (robots, days, given.risk.num_rows, took, page, table, summary)
        print("{:>7,} {:>5} {:>10,} {:>8.2f} {:>8.0f} {:>7.0f} {:>11.0f}".format(*row))
    print(f"\n{'robots':>7} {'page, 90 days':<24} {'CPU ms':>8} {'kB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for robots in (10, 100, 1_000):
            pages(robots, Path(folder))


if __name__ == "__main__":
    main()
