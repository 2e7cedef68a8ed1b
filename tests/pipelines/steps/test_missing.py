"""What is missing is told from names alone: of what was pushed, and of what each step wrote."""

from pathlib import Path

import pytest

from pipelines.config import parse_config
from pipelines.specs import load_specs
from pipelines.steps.files import mark
from pipelines.steps.missing import missing
from reports.missing import NOTHING, Missing
from tests.e2e import tiny

DAYS = [("amr 1", "2026-03-01"), ("amr 1", "2026-03-02"), ("amr/2", "2026-03-01"), ("amr/2", "2026-03-02")]
ENCODED = {"amr 1": "amr 1", "amr/2": "amr%2F2"}


@pytest.fixture
def pfs(tmp_path: Path) -> Path:
    """Two archives, a bag and a table, all extracted; every robot-day joined, looked back on and scored."""
    for pushed in ("d/a.zip", "d/b.zip", "d/bag/metadata.yaml", "d/bag/0.db3", "t.csv"):
        mark(tmp_path / "logs" / pushed)
    for source in ("d~a.zip", "d~b.zip", "d~bag", "t.csv"):
        mark(tmp_path / "accounting" / "accounting" / f"{source}.parquet")
    for robot, day in DAYS:
        mark(tmp_path / "days" / "days" / ENCODED[robot] / day / "d~a.zip")
        for name in ("failures", "excluded", "risk"):
            mark(place(tmp_path, name, robot, day))
    return tmp_path


def place(pfs: Path, name: str, robot: str, day: str) -> Path:
    return pfs / name / name / ENCODED[robot] / f"{day}.parquet"


def test_nothing_is_missing_where_every_name_came_through(pfs: Path) -> None:
    told = missing(pfs, scored=True)
    assert (told.pushed, told.robot_days, told.files, told.lost, told.sentence) == (5, 4, (), [], "")
    assert told.trusted


def test_a_robot_day_stands_at_the_first_step_that_lacks_it(pfs: Path) -> None:
    for name in ("failures", "excluded", "risk"):
        place(pfs, name, *DAYS[3]).unlink()
    for name in ("excluded", "risk"):
        place(pfs, name, *DAYS[2]).unlink()
    place(pfs, "risk", *DAYS[0]).unlink()
    (pfs / "accounting" / "accounting" / "d~bag.parquet").unlink()
    told = missing(pfs, scored=True)
    assert told.files == ("/d/bag/0.db3", "/d/bag/metadata.yaml")
    assert told.lost == [("join", *DAYS[3]), ("features", *DAYS[2]), ("score", *DAYS[0])]
    assert told.robot("amr/2") == [("join", "2026-03-02"), ("features", "2026-03-01")]
    assert [step for step, *_ in missing(pfs, scored=False).lost] == ["join", "features"]


def test_a_tenth_may_be_missing_before_the_rest_is_not_trusted() -> None:
    def lost(number: int) -> Missing:
        return Missing(0, 20, (), {"join": [(f"r{index}", "2026-03-01") for index in range(number)]})

    assert [lost(number).trusted for number in (0, 2, 3)] == [True, True, False]
    assert [Missing(10, 0, ("/a",) * number).trusted for number in (1, 2)] == [True, False]
    assert lost(5).told.endswith("joined (r0 on 2026-03-01, r1 on 2026-03-01, r2 on 2026-03-01 and 2 more)")
    assert lost(3).note.endswith("; too much is missing to trust a model of the rest")
    assert (NOTHING.trusted, NOTHING.note, NOTHING.sentence) == (True, "", "")


@pytest.mark.parametrize(("unit", "compared"), [("file", True), ("folder", False)])
def test_names_of_messages_that_are_files_are_not_compared_at_every_push(unit: str, compared: bool) -> None:
    specs = load_specs(parse_config(tiny.CONFIG.replace("[logs]", f'[logs]\nunit = "{unit}"')))
    for step in ("train", "report"):
        names = [one["pfs"]["name"] for one in specs[step]["input"]["cross"]]
        assert ("logs" in names, "days" in names) == (compared, True)
