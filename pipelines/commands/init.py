"""`forewarn init`: a commented configuration to start from."""

from importlib.resources import files
from pathlib import Path

from features.errors import ConflictError
from pipelines.commands.output import print_json, say, say_next
from pipelines.config import CONFIG_NAME


def init(*, folder: Path, json: bool) -> None:
    """Write `forewarn.toml`. Raises ConflictError when there is one: it is never overwritten."""
    path = folder / CONFIG_NAME
    if path.exists():
        raise ConflictError(f"{path} exists already", hint="edit it, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(files("pipelines.demo").joinpath(CONFIG_NAME).read_text("utf-8"), "utf-8")
    if json:
        print_json({"config": str(path)})
    say(f"wrote {path}: say in it where your streams are and what a failure is")
    say_next("forewarn push PATH")
