"""`forewarn config show|check`: what is in force and where it comes from; whether the file holds."""

from pathlib import Path

import msgspec

from pipelines.commands.output import print_json, print_table, say, say_next
from pipelines.project import Project


def show(*, project: Path | None, section: str | None, origin: bool, json: bool) -> None:
    """Print every setting in force. Raises UsageError for an unknown section, DataError for mistakes."""
    from features.errors import UsageError
    from pipelines.config.origin import settings

    found = settings(Project.find(project).config)
    if section is not None:
        known = sorted({setting.key.partition(".")[0].partition("[")[0] for setting in found})
        found = [setting for setting in found if setting.key.startswith((f"{section}.", f"{section}["))]
        if not found:
            raise UsageError("no such section", got=section, expected=", ".join(known))
    if json:
        print_json(found)
        return
    columns = ["key", "value", *(["origin"] if origin else [])]
    rows = ([one.key, msgspec.json.encode(one.value).decode(), one.origin] for one in found)
    print_table(columns, (row[: len(columns)] for row in rows))


def check(*, project: Path | None, json: bool) -> None:
    """Say whether the file holds. Raises DataError listing every mistake with its key and the fix."""
    found = Project.find(project)
    config = found.config
    if json:
        print_json({"config": str(found.folder / "forewarn.toml"), "streams": sorted(config.streams)})
    say(f"{found.folder / 'forewarn.toml'}: no mistakes; streams {', '.join(sorted(config.streams))}")
    say_next("forewarn push PATH")
