"""A forewarn.toml with anything in it is read, or refused in words that name what is wrong."""

import random
import re
from pathlib import Path

import pytest

from features.errors import ForewarnError
from pipelines.config import load_config
from tests.abuse.messages import TEXTS
from tests.abuse.watch import watched
from tests.conftest import Tally
from tests.e2e.tiny import CONFIG

GROWTH_MIB = 100
ROOT = Path(__file__).parents[2]
CONFIGS = (CONFIG, (ROOT / "pipelines" / "demo" / "forewarn.toml").read_text("utf-8"))
VALUES = (
    "0", "-1", "1e400", "nan", "inf", "9223372036854775808", "true", '""', '"10s"', '"-10s"', "{}",
    '"10000000000d"', "[]", "[[]]", "1979-05-27", '"*"', '"[("', '"a | b"', "[1, 'a']", '"\\u0000"', "'''",
    '"' + "x" * 10_000 + '"',
    *(f"'{text}'" for text in TEXTS if len(text) < 1_000 and not set(text) & set("'\n\0")),
)  # fmt: skip
LINES = (
    "[logs]",
    "[streams.a.b]",
    "[[failure.on]]",
    "[unknown]",
    "x = 1",
    "[",
    "=",
    "\ufeff",
    "[streams]\nload = 1",
)


def mutated(draw: random.Random) -> bytes:
    """A configuration that works, changed in a few places."""
    lines = draw.choice(CONFIGS).splitlines()
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(lines))
        match draw.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, draw.choice(LINES))
            case 2:
                lines.insert(at, draw.choice(lines))
            case _:
                value = draw.choice(VALUES)
                lines[at] = re.sub(r"= .*", lambda _, value=value: f"= {value}", lines[at], count=1)
    data = "\n".join(lines).encode()
    if draw.random() < 0.1:
        at = draw.randrange(len(data))
        data = data[:at] + draw.randbytes(draw.randint(1, 3)) + data[at:]
    return data


def abuse(folder: Path, seed: int, number: int) -> int:
    path, draw, refused = folder / "forewarn.toml", random.Random(seed), 0
    for _ in range(number):
        path.write_bytes(mutated(draw))
        try:
            with watched(GROWTH_MIB):
                load_config(path).step_files  # noqa: B018 - what the steps are told is made here
        except ForewarnError as error:
            refused += 1
            assert len(str(error)) < 50_000  # noqa: PT017
    assert refused
    return number


def test_anything_in_a_config(tmp_path: Path, tally: Tally) -> None:
    tally("config files", abuse(tmp_path, seed=1, number=150))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_much_of_anything_in_a_config(tmp_path: Path, tally: Tally) -> None:
    tally("config files", abuse(tmp_path, seed=2, number=20_000))
