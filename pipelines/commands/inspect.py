"""`forewarn inspect`: what unknown logs hold, and a forewarn.toml to start with."""

from pathlib import Path
from textwrap import shorten
from typing import Any, Final

from features.errors import ConflictError, DataError
from pipelines.commands.output import print_json, print_table, say, say_next, stderr, stdout
from pipelines.commands.push import gather
from pipelines.config import CONFIG_NAME, parse_config
from pipelines.inspect.profile import Profile, profile
from pipelines.inspect.propose import propose
from pipelines.inspect.sample import Sample, sample
from reports.words import moment, span

WIDEST: Final = 80


def inspect(*, paths: list[Path], write: Path | None, json: bool) -> None:
    """Look at files or folders of logs. Raises NotFoundError, UsageError, ConflictError, DataError."""
    files = {name: path for name, path in gather(paths, "/").items() if isinstance(path, Path)}
    if write is not None and (write / CONFIG_NAME).exists():
        raise ConflictError(f"{write / CONFIG_NAME} exists already", hint="edit it, or choose another folder")
    with stderr.status(f"looking at {len(files)} file(s)"):
        found = sample(files)
        profiles = [profile(source, whole=found.whole) for source in found.sources if source.records]
    if not profiles:
        reasons = ", ".join(f"{reason} ({path})" for path, reason in sorted(found.refused)[:5])
        raise DataError(
            "no records found", got=reasons or "nothing readable", expected="JSON, tables, MCAP, bags, ULog"
        )
    if not any(one.fields and one.kind != "facts" for one in profiles):
        names = ", ".join(one.source.name for one in profiles)
        raise DataError(
            "no stream has a time and fields", got=names, expected="records with a time and values"
        )
    text = propose(profiles, sorted(files), mixed=found.mixed)
    parse_config(text, name="the proposed forewarn.toml")
    if json:
        told = {"files": found.files, "seen": found.seen, "whole": found.whole, "refused": _refused(found)}
        print_json(told | {"streams": [_plain(one) for one in profiles], "config": text})
    else:
        _show(found, profiles)
        if write is None:
            stdout.print(text, markup=False)
    if found.vda5050:
        say("these are messages of VDA 5050: `forewarn init --preset vda5050` knows them better than a guess")
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        (write / CONFIG_NAME).write_text(text, "utf-8")
        say(f"wrote {write / CONFIG_NAME}; what only you know is marked CHECK:")
        for number, line in enumerate(text.splitlines(), start=1):
            if "# CHECK" in line:
                say(f"{number:5}  {line}")
        say_next("forewarn config check && forewarn push PATH")
    else:
        say_next("forewarn inspect PATH --write .   (then: forewarn push PATH)")


def _show(found: Sample, profiles: list[Profile]) -> None:
    part = "all of it" if found.whole else "a sample: beginning, middle and end of files spread over all"
    stdout.print(f"{found.seen} of {found.files} file(s) read, {part}", markup=False)
    for (path, reason), count in sorted(found.refused.items()):
        stdout.print(f"unreadable: {path}: {reason} x {count}", markup=False)
    print_table(
        [
            "stream",
            "kind",
            "records#",
            "every#",
            "longest gap#",
            "arrives after#",
            "late order#",
            "from (UTC)",
            "to",
        ],
        (
            [
                one.source.name,
                one.kind,
                len(one.source.records),
                *map(_span, (one.every_s, one.gap_s, one.offset_s)),
                f"{one.out_of_order:.1%}",
                moment(one.first) if one.first else "no times",
                moment(one.last) if one.last else "",
            ]
            for one in profiles
        ),
    )
    for one in profiles:
        stdout.print(f"\n{one.source.name}: time {_time(one)}, robots {_robots(one)}", markup=False)
        print_table(
            ["  field", "type", "held by#", "values"],
            ([f"  {field.name}", field.type, f"{field.present:.0%}", _values(field)] for field in one.fields),
        )
    stdout.print()


def _time(one: Profile) -> str:
    if one.time is None:
        return "none (a fact per robot)"
    arrival = f", arrival {one.recv.path} [{one.recv.unit}]" if one.recv else ""
    return f"{one.time.path} [{one.time.unit}]{arrival}"


def _robots(one: Profile) -> str:
    named = ", ".join(one.robots[:3]) + (f" and {len(one.robots) - 3} more" if len(one.robots) > 3 else "")
    return f"{named} (by {one.robot})" if one.robot else "by the path of the file"


def _values(field: Any) -> str:
    if field.states:
        return shorten(", ".join(field.states), WIDEST, placeholder=" …")
    return "" if field.least is None else f"{field.least:g} to {field.most:g}"


def _span(seconds: float | None) -> str:
    return "" if seconds is None else span(seconds)


def _refused(found: Sample) -> list[dict[str, Any]]:
    return [
        {"path": path, "reason": reason, "count": count}
        for (path, reason), count in sorted(found.refused.items())
    ]


def _plain(one: Profile) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "source"}
    place = {name: getattr(one.source, name) for name in ("name", "path", "topic", "sheet", "files", "pairs")}
    return place | told | {"records": len(one.source.records)}
