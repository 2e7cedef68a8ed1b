"""The soak is run by hand, for an hour: that it starts and measures is seen here."""

from pathlib import Path

from benchmarks.soak import Stream, daemon, process_state


def test_a_commit_a_page_and_what_the_daemon_holds(tmp_path: Path) -> None:
    with daemon(tmp_path) as (pid, told):
        stream = Stream(told)
        stream.tick()
        state = process_state(pid)
        found = stream.medians()
    assert stream.commits == 1
    assert min(state["mib"], state["handles"], state["threads"]) > 0
    assert found["commit_ms"]
    assert found["page_ms"]
    assert found["push_s"] is None
