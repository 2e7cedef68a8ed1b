"""Coverage-guided fuzzing of one target: `python -m tests.abuse.fuzz TARGET [--seconds 300]`.

What makes a target fail is kept in tests/abuse/found/TARGET/, which the tests replay. `make torture` runs all
of them. Needs atheris, which exists for Python up to 3.12.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import atheris

from tests.abuse.targets import FOUND, TARGETS, harmless

GUIDING = (
    "pipelines.config", "pipelines.logs.archives", "pipelines.logs.recordings", "pipelines.pachd",
    "tests.abuse.targets",
)  # fmt: skip
MAX_BYTES = 32_768


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=300)
    asked = parser.parse_args()
    target, kept = TARGETS[asked.target], FOUND / asked.target
    kept.mkdir(parents=True, exist_ok=True)
    for seed in seeds(asked.target):
        harmless(target, seed)  # imports what it needs and compiles what is compiled
    for function in functions():
        atheris.instrument_func(function)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(asked.target)):
            (Path(corpus) / f"seed{number}").write_bytes(seed)
        limits = [
            f"-max_total_time={asked.seconds}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            f"-max_len={MAX_BYTES}",
        ]
        atheris.Setup(
            [sys.argv[0], *limits, f"-artifact_prefix={kept}/", corpus, str(kept)],
            lambda data: harmless(target, data),
        )
        atheris.Fuzz()


def functions() -> Iterator[FunctionType]:
    """Python functions of the loaded modules whose branches guide the search."""
    for name, module in list(sys.modules.items()):
        if name.startswith(GUIDING):
            for value in list(vars(module).values()):
                if getattr(value, "__module__", "") == name:
                    members = vars(value).values() if isinstance(value, type) else (value,)
                    yield from (member for member in members if isinstance(member, FunctionType))


def seeds(name: str) -> list[bytes]:
    """Inputs to begin with."""
    from tests.e2e.tiny import CONFIG
    from tests.faults.victim import PIPELINE

    match name:
        case "config":
            return [CONFIG.encode()]
        case "spec":
            import json

            return [json.dumps(PIPELINE).encode()]
        case "glob":
            return [b"/(*)/@(a|b)[0-9]\n/a/b1"]
        case "archive":
            return [zipped(b'{"robot": "a", "ts": 1772366400000, "power": {"level": 1.5}, "mode": "x"}')]
        case "recording":
            return recordings()
        case "table":
            return [b"robot,ts,mode\na,1772366400000,x\n"]
    return [b"\x01\x12\x02/a"]


def recordings() -> list[bytes]:
    """A recording of each kind, after the byte that chooses it."""
    from tests.pipelines.logs.recordings import made

    with tempfile.TemporaryDirectory() as folder:
        bag = made.ros1_bag(Path(folder) / "made.bag", 2).read_bytes()
        (table,) = made.ros2_bag(Path(folder) / "bag", 2).glob("*.db3")
        kinds = (made.mcap(2), made.ulog(2), bag, table.read_bytes())
    return [bytes([number]) + content for number, content in enumerate(kinds)]


def zipped(content: bytes) -> bytes:
    import io
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("1.json", content)
    return file.getvalue()


if __name__ == "__main__":
    main()
