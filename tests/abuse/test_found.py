"""What fuzzing found is tried again with every run, beside inputs that were always worth trying."""

import random
from pathlib import Path

import pytest

from tests.abuse.targets import FOUND, TARGETS, harmless
from tests.conftest import Tally

CASES = sorted(path for path in FOUND.glob("*/*") if path.is_file())


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name[:20]}")
def test_a_case_that_was_found(case: Path) -> None:
    harmless(TARGETS[case.parent.name], case.read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_random_bytes(name: str, tally: Tally) -> None:
    draw = random.Random(name)
    for size in (0, 1, 2, 9, 100, 3_000):
        harmless(TARGETS[name], draw.randbytes(size))
    tally("random bytes", 6)
