"""What the dashboard asks takes as many steps however long the history is: function calls are counted."""

import cProfile
import pstats
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from pipelines.client import Pachd
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from pipelines.pachd.server_pfs import commit_info

SHOWN = 10


def calls(what: Callable[[], object]) -> int:
    """Function calls of a warm run."""
    what()
    profile = cProfile.Profile()
    profile.enable()
    what()
    profile.disable()
    return int(pstats.Stats(profile).total_calls)


def test_no_query_grows_with_history(tmp_path: Path) -> None:
    with Engine(tmp_path, executor=InlineExecutor()) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.create_repo("score")
        repo, log = engine.repos.get("score"), engine.commits.log

        def listed() -> None:
            for commit in islice(log(repo, None), SHOWN):
                commit_info(engine.commits, commit)

        def changed() -> None:
            newest = next(iter(log(repo, None)))
            parent = engine.commits.base_of(newest)
            assert parent is not None
            before, after = (engine.commits.tree(commit) for commit in (parent, newest))
            assert len(list(before.diff(after, "/", "/", lambda _: True))) == 4

        def read() -> None:
            assert engine.commits.tree(next(iter(log(repo, None)))).file("/risk/a/0003.parquet")

        asked, done, counted = (listed, changed, read), 0, []
        for days in (12, 48):
            for day in range(done, days):
                pachd.put("score", {f"/risk/a/{day:04d}.parquet": b"%d" % day})
            done = days
            counted.append([calls(one) for one in asked])
    for early, late in zip(*counted, strict=True):
        assert late < 2 * early, f"four times the history: {counted}"
