"""A store, a scratch folder that must be empty afterwards, and steps of our own in every mood."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.pachd import commands, spec, worker
from pipelines.pachd.mounts import MountedFile
from pipelines.pachd.objects import FileRef, Objects
from pipelines.pachd.spec import Transform
from pipelines.pachd.worker import DatumTask

MOODS = """
import os, signal, sys, time
from pathlib import Path

def main(pfs: Path) -> None:
    for file in sorted((pfs / "in").rglob("*")):
        if file.is_file():
            play(pfs, *file.read_text().split(maxsplit=1))

def play(pfs, mood, rest=""):
    match mood:
        case "write":
            path, _, text = rest.partition(" ")
            (pfs / "out" / path).parent.mkdir(parents=True, exist_ok=True)
            (pfs / "out" / path).write_text(text)
        case "say":
            print(rest)
            print("careful:", rest, file=sys.stderr)
        case "env":
            (pfs / "out" / "env").write_text(os.environ.get(rest, "unset"))
        case "pid":
            (pfs / "out" / "pid").write_text(str(os.getpid()))
        case "raise":
            raise ValueError(rest)
        case "complain":
            from features.errors import DataError
            raise DataError(rest, got="a", expected="b")
        case "exit":
            sys.exit(int(rest))
        case "hang":
            print("hanging", flush=True)
            time.sleep(600)
        case "hold":
            held = b"x" * (int(rest) << 20)
            time.sleep(600)
        case "crash":
            print("crashing", flush=True)
            os.kill(os.getpid(), getattr(signal, rest))
        case "once":
            marker = Path(rest)
            if not marker.exists():
                marker.touch()
                os._exit(9)
            (pfs / "out" / "second").write_text("time lucky")
"""


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "scratch"
    yield folder
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.fixture
def store(objects: Objects) -> Callable[[bytes], FileRef]:
    def put(content: bytes) -> FileRef:
        with objects.writer() as writer:
            return writer.add(content)

    return put


@pytest.fixture
def command_task(
    objects: Objects, scratch: Path, store: Callable[[bytes], FileRef]
) -> Callable[..., DatumTask]:
    """A task that runs a shell script over {"in/a": content}."""

    def make(script: str, files: dict[str, str] | None = None, **more: object) -> DatumTask:
        transform = more.pop("transform", Transform(cmd=("sh", "-c", script)))
        given = {"in/a": "apple"} if files is None else files
        fixed = {
            "pipeline": "p",
            "job_id": "job",
            "datum_id": "datum",
            "inputs": tuple(MountedFile(path, store(text.encode())) for path, text in given.items()),
            "transform": transform,
            "env": {},
            "objects": objects,
            "tries": 1,
            "scratch": str(scratch),
        }
        return DatumTask(**fixed | more)

    return make


@pytest.fixture
def step_task(
    tmp_path: Path, command_task: Callable[..., DatumTask], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., DatumTask]:
    """A task that runs a step of ours, whose moods are the contents of its input files."""
    package = tmp_path / "site" / "moodysteps"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "moods.py").write_text(MOODS)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setattr(spec, "STEP_PACKAGE", "moodysteps.")

    def make(*moods: str, **more: object) -> DatumTask:
        transform = Transform(cmd=("python3", "-m", "moodysteps.moods"), **more.pop("transform", {}))
        return command_task(
            "", {f"in/{i}": mood for i, mood in enumerate(moods)}, transform=transform, **more
        )

    return make


@pytest.fixture(autouse=True)
def _fresh_step_processes() -> Iterator[None]:
    yield
    worker.steps.close()


@pytest.fixture(params=["private /pfs", "moved /pfs"])
def any_mount(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of showing /pfs to a command."""
    if request.param == "moved /pfs":
        monkeypatch.setattr(commands, "private_mounts", lambda: False)
    elif not commands.private_mounts():
        pytest.skip("this machine allows no private mounts")
    return str(request.param)
