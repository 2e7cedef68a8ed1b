"""A report is compared with the last one that was another."""

from pathlib import Path

from pipelines.client import Pachd
from pipelines.committed import report_before
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor


def test_runs_that_kept_the_report_are_passed_over(tmp_path: Path) -> None:
    with Engine(tmp_path, executor=InlineExecutor()) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.create_repo("report")
        nothing = pachd.put("report", {"/other": b""})
        first = pachd.put("report", {"/summary.json": b"1"})
        second = pachd.put("report", {"/summary.json": b"2"})
        kept = pachd.put("report", {"/other": b"x"})
        assert report_before(pachd, kept) == first
        assert report_before(pachd, second) == first
        assert report_before(pachd, first) is None
        assert report_before(pachd, nothing) is None
