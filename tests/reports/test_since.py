from collections.abc import Callable
from pathlib import Path
from typing import Any

from reports.page import render
from reports.risk_report import ReportInputs
from reports.since import since
from reports.summary import summarize

Fleet = Callable[..., ReportInputs]


def summary(inputs: ReportInputs) -> dict[str, Any]:
    return summarize(inputs.conformed())[0]


def test_nothing_changed(fleet: Fleet) -> None:
    one = summary(fleet())
    told = since(one, one, "c0")
    assert told["sentence"].startswith(
        "Since the last report (as of 2026-03-03 00:00 UTC) the mean risk is unchanged"
    )
    assert told["why"] == ["the same model"]


def test_new_data_another_threshold_and_robots_are_named(fleet: Fleet) -> None:
    before, after = summary(fleet(robots=6, days=1)), summary(fleet(robots=7, days=2))
    after["model"]["threshold"] = 0.5
    for robot in after["robots"][:2]:
        robot["status"] = "alert"
    told = since(before, after, "c0")
    assert "are newly above the threshold" in told["sentence"]
    assert "failures came." in told["sentence"]
    assert told["why"][0].endswith("more of observed operation")
    assert "1 robot new" in told["why"]
    assert "the alert threshold was 35 % and is 50 %" in told["why"]


def test_the_page_says_it(fleet: Fleet, tmp_path: Path) -> None:
    one = summary(fleet())
    one["since"] = since(one, one, "c0")
    assert "Behind it: the same model." in render(one)


def test_the_page_says_what_the_run_took_where_that_is_known(fleet: Fleet) -> None:
    one = summary(fleet())
    assert "What this run took" not in render(one)
    one["taken"] = [{"pipeline": "join", "datums": 3, "predicted_s": None, "measured_s": 4.25}]
    page = render(one)
    assert "What this run took" in page
    assert "/taken/0/measured_s" in page
