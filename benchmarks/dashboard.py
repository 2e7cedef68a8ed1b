"""How fast the engine answers what the dashboard asks, as history grows: 20 robots for 20 and for 90 days.

`python -m benchmarks.dashboard` (in the repository). The data are synthetic. The pages themselves are
measured by `benchmarks.reports`.
"""

import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import head, milliseconds
from benchmarks.pipeline import CONFIG
from benchmarks.reports import SELDOM, inputs
from pipelines.alerts.book import Book
from pipelines.client import Pachd
from pipelines.config import load_config
from pipelines.pachd.engine import Engine
from pipelines.serving import PachdSource
from reports.risk_report import as_json
from reports.summary import summarize

ROBOTS, DAYS = 20, (20, 90)


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
    head("The dashboard's queries", "pachyderm-sdk", "pyarrow")
    with tempfile.TemporaryDirectory() as folder:
        print(f"\n{'days':>7} {'query, 20 robots':<24} {'CPU ms':>8}")
        history(Path(folder))


if __name__ == "__main__":
    main()
