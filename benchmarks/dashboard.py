"""How fast the dashboard answers: pages at 10 to 1,000 robots, and the engine's queries as history grows.

`python -m benchmarks.dashboard` (in the repository). Pages are asked without a network, of a 90 days' report;
queries go to an embedded pachd that holds 20 robots for 9 and for 90 days. The data are synthetic.
"""

import asyncio
import io
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import head
from benchmarks.pipeline import CONFIG
from benchmarks.reports import QUARTER, SELDOM, inputs
from pipelines.alerts.book import Book
from pipelines.client import Pachd
from pipelines.config import load_config
from pipelines.pachd.engine import Engine
from pipelines.serving import PachdSource
from reports.dashboard.app import create_app
from reports.dashboard.source import Report
from reports.dashboard.tokens import Tokens
from reports.risk_report import as_json
from reports.summary import summarize

ROUNDS = 15
PAGES = ("/", "/now?report=older", "/robots/amr-0007", "/fleet", "/failures", "/alerts", "/api/robots?limit=100")
ROBOTS, DAYS = 20, (9, 90)


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


def milliseconds(call: Callable[[], Any]) -> float:
    """Median CPU time of all threads: what an idle machine takes, whatever else runs on this one."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        took.append((time.process_time() - began) * 1e3)
    return median(took)


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


def history(scratch: Path) -> None:
    table = io.BytesIO()
    pq.write_table(pa.table({"risk": [0.1]}), table)
    summary = as_json(summarize(inputs(10, 2, SELDOM).conformed())[0])
    with Engine(scratch / "engine") as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve('127.0.0.1:0', None)}")
        for repo in ("score", "report", "join", "extract", "logs"):
            pachd.create_repo(repo)
        done = 0
        for days in DAYS:
            for day in range(done, days):
                files = {f"/risk/amr-{n:04d}/{day:04d}.parquet": table.getvalue() for n in range(ROBOTS)}
                pachd.put("score", files)  # type: ignore[arg-type]
                pachd.put("report", {"/summary.json": summary})
            done = days
            source = PachdSource(pachd, load_config(CONFIG), Book(scratch / "alerts.db"))
            newest = source.commits("score", 1)[0].id
            asked: dict[str, Callable[[], Any]] = {
                "newest report": source.report,
                "a robot-day's table": partial(source.table, "risk", "amr-0007", "0003"),
                "commits of a repo": partial(source.commits, "score", 20),
                "changes of a commit": partial(source.changes, "score", newest, 200),
                "jobs": source.jobs,
            }
            for name, call in asked.items():
                print(f"{days:>7} {name:<24} {milliseconds(call):>8.1f}")


def main() -> None:
    head("The dashboard", "fastapi", "jinja2", "pyarrow")
    with tempfile.TemporaryDirectory() as folder:
        print(f"\n{'robots':>7} {'page, 90 days':<24} {'CPU ms':>8} {'kB':>8}")
        for robots in (10, 100, 1_000):
            pages(robots, Path(folder))
        print(f"\n{'days':>7} {'query, 20 robots':<24} {'CPU ms':>8}")
        history(Path(folder))


if __name__ == "__main__":
    main()
