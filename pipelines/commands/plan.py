"""`forewarn plan`: which datums would run, which would not and why, before anything runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.client import Content, Pachd
from pipelines.commands.output import print_json, print_table, say, say_next, shortened
from pipelines.commands.push import check_glob, gather
from pipelines.config import Config
from pipelines.pachd.objects import content_of
from pipelines.project import Project
from pipelines.setup import compare


def plan(*, project: Path | None, paths: list[Path], to: str, number: int, json: bool) -> None:
    """Tell what pushing `paths`, or with none the edited configuration, would run.

    Raises what `push` raises for the same paths, and UsageError when the pachd is a cluster.
    """
    found = Project.find(project)
    files = gather(paths, to) if paths else {}
    check_glob(files, found.config.logs.glob)
    with found.connect() as pachd:
        told = forecast(pachd, found.config, files, number)
    if json:
        print_json({"pipelines": told})
        return
    if not told:
        say("nothing would run: the configuration and all pipelines are as they were")
        return
    print_table(
        ["pipeline", "datums#", "run#", "may run#", "skipped#", "gone#", "why"],
        ([p["pipeline"], p["total"], p["certain"], p["may"], p["skipped"], p["gone"], _why(p)] for p in told),
    )
    for one in told:
        _show(one)
    say_next(f"forewarn push {' '.join(map(str, paths))}" if paths else "forewarn push PATH")


def forecast(
    pachd: Pachd, config: Config, files: Mapping[str, Content], number: int
) -> Sequence[Mapping[str, Any]]:
    """What a push of `files` to the repo logs would run, with what the configuration changes."""
    lacking = compare(pachd, config)
    puts: dict[str, dict[str, tuple[str, int]]] = {repo: {} for repo in lacking.repos}
    for repo, contents in {"logs": files, **lacking.puts}.items():
        if contents:
            puts.setdefault(repo, {}).update((path, _hash(content)) for path, content in contents.items())
    answer: Sequence[Mapping[str, Any]] = pachd.ask(
        "Forecast", puts=puts, deletes={}, specs=lacking.specs, number=number
    )
    return answer


def _hash(content: Content) -> tuple[str, int]:
    if isinstance(content, bytes):
        ref = content_of(content)
    else:
        with content.open("rb") as file:
            ref = content_of(file)
    return ref.hash, ref.size


def _why(one: Mapping[str, Any]) -> str:
    reasons = [f"{count} {code}" for code, count in one["whys"].items()]
    if one["note"]:
        reasons.append(one["note"])
    if one["after"]:
        reasons.append(f"more once {', '.join(one['after'])} ran new datums")
    return "; ".join(reasons)


def _show(one: Mapping[str, Any]) -> None:
    for row in one["run"]:
        datum = f"{one['pipeline']} {row['datum'][:16]}"
        why = shortened(("" if row["certain"] else "may run: ") + row["why"])
        say(f"  {datum}  {why}  [{shortened('  '.join(row['paths']))}]")
    left = one["certain"] + one["may"] - len(one["run"])
    if left:
        say(f"  {one['pipeline']}: {left} more; --number shows them")
