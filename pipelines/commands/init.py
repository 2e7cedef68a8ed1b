"""`forewarn init`: a commented configuration to start from."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from features.errors import ConflictError
from pipelines.commands.output import print_json, say, say_next
from pipelines.config import CONFIG_NAME
from pipelines.config.preset import preset as read_preset

THREE_LINES: Final = """\
# forewarn.toml: the preset {name} says how the logs are read and what a failure is. Whatever you write here
# replaces the preset's value, key by key; `forewarn config show` prints all that is in force.

project.name = "my fleet"       # titles the reports
[logs]
preset = "{name}"
"""


def init(*, folder: Path, preset: str | None, json: bool) -> None:
    """Write `forewarn.toml`.

    Raises ConflictError when there is one: it is never overwritten; DataError for an unknown preset.
    """
    path = folder / CONFIG_NAME
    if path.exists():
        raise ConflictError(f"{path} exists already", hint="edit it, or choose another folder")
    text = files("pipelines.demo").joinpath(CONFIG_NAME).read_text("utf-8")
    if preset is not None:
        read_preset(preset)
        text = THREE_LINES.format(name=preset)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    if json:
        print_json({"config": str(path)})
    say(f"wrote {path}" + ("" if preset else ": say in it where your streams are and what a failure is"))
    say_next("forewarn push PATH")
