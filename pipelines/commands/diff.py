"""`forewarn diff`: what two commits differ in, in the words of a fleet: robots, hours, failures, risk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from features.errors import NotFoundError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say, say_next, stdout
from pipelines.project import Project
from reports.dashboard.views import ChangeView

Number = float | int | None


def diff(
    *, project: Path | None, before: str | None, after: str | None, repo: str | None, number: int, json: bool
) -> None:
    """Compare two reports and the logs they were made from, or the files of `repo`.

    Falls back to the files of `logs` where a commit has no report. NotFoundError for an unknown commit.
    """
    with Project.find(project).connect() as pachd:
        told = _files_of(pachd, repo, before, after) if repo else _reports(pachd, before, after)
    if json:
        print_json(told)
    else:
        _show(told, number)


def _reports(pachd: Pachd, before: str | None, after: str | None) -> dict[str, Any]:
    try:
        new = pachd.resolve("report", after or "master")
        old = pachd.resolve("report", before or f"{new}^")
        summaries = [msgspec.json.decode(pachd.read("report", "/summary.json", one)) for one in (old, new)]
    except NotFoundError:
        return _files_of(pachd, "logs", before, after)
    logs = [_logs_of(pachd, summary) for summary in summaries]
    return {
        "repo": "report",
        "before": old,
        "after": new,
        **compare(*summaries),
        "files": list(pachd.diff("logs", *logs)) if None not in logs else [],
    }


def _logs_of(pachd: Pachd, summary: Mapping[str, Any]) -> str:
    return pachd.provenance("extract", summary["provenance"]["accounting"])["logs"]


def _files_of(pachd: Pachd, repo: str, before: str | None, after: str | None) -> dict[str, Any]:
    new = pachd.resolve(repo, after or "master")
    old = pachd.resolve(repo, before or f"{new}^")
    return {"repo": repo, "before": old, "after": new, "files": list(pachd.diff(repo, old, new))}


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Two summaries of reports: the fleet's figures as pairs, and every robot that differs.

    fleet: name → {before, after, change}: robots, robot_hours, failures, risk_day (mean risk of the last 24 h
    of data), alerts. robots: by the size of the change of risk, those that came or went first.
    """
    fleet = {
        "robots": _pair(len(old["robots"]), len(new["robots"])),
        "robot_hours": _pair(*(one["analytics"]["fleet"]["hours"] for one in (old, new))),
        "failures": _pair(old["fleet"]["episodes"], new["fleet"]["episodes"]),
        "risk_day": _pair(old["fleet"]["risk_day"], new["fleet"]["risk_day"]),
        "alerted_day": _pair(old["fleet"]["alerted_day"], new["fleet"]["alerted_day"]),
    }
    robots = [_robot(name, a, b) for name, a, b in _side_by_side(_robots(old), _robots(new))]
    changed = [row for row in robots if row["presence"] != "both" or any(_moved(row[k]) for k in _OF_ROBOT)]
    return {
        "fleet": fleet,
        "verdict": {"before": old["verdict"]["word"], "after": new["verdict"]["word"]},
        "robots": sorted(changed, key=_rank),
        "unchanged": len(robots) - len(changed),
    }


_OF_ROBOT = ("risk", "rank", "robot_hours", "failures")


def _robots(summary: Mapping[str, Any]) -> dict[str, dict[str, Number]]:
    hours = {row["robot_id"]: row["hours"] for row in summary["analytics"]["robots"]}
    return {
        robot["robot_id"]: {
            "risk": robot["risk"],
            "rank": robot["rank"],
            "robot_hours": hours.get(robot["robot_id"]),
            "failures": robot["episodes"],
        }
        for robot in summary["robots"]
    }


def _side_by_side(old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[tuple[str, Any, Any]]:
    return [(name, old.get(name), new.get(name)) for name in sorted({*old, *new})]


def _robot(name: str, old: Any, new: Any) -> dict[str, Any]:
    presence = "new" if old is None else "gone" if new is None else "both"
    pairs = {key: _pair((old or {}).get(key), (new or {}).get(key)) for key in _OF_ROBOT}
    return {"robot_id": name, "presence": presence, **pairs}


def _pair(before: Number, after: Number) -> dict[str, Number]:
    change = None if before is None or after is None else round(after - before, 6)
    return {"before": before, "after": after, "change": change}


def _moved(pair: Mapping[str, Number]) -> bool:
    return pair["before"] != pair["after"]


def _rank(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    return row["presence"] == "both", -abs(row["risk"]["change"] or 0.0), row["robot_id"]


def _show(told: Mapping[str, Any], number: int) -> None:
    stdout.print(f"{told['repo']}: {told['before']} to {told['after']}", markup=False)
    if "fleet" in told:
        print_table(
            ["", "before#", "after#", "change#"],
            ([name.replace("_", " "), *map(_figure, pair.values())] for name, pair in told["fleet"].items()),
        )
        if told["verdict"]["before"] != told["verdict"]["after"]:
            say(f"verdict on the model: {told['verdict']['before']} became {told['verdict']['after']}")
        print_table(
            ["robot", "", "risk#", "was#", "rank#", "was#", "hours#", "failures#"],
            (
                [
                    row["robot_id"],
                    {"both": ""}.get(row["presence"], row["presence"]),
                    *(_figure(row[key][side]) for key in ("risk", "rank") for side in ("after", "before")),
                    *(_figure(row[key]["change"]) for key in ("robot_hours", "failures")),
                ]
                for row in told["robots"][:number]
            ),
        )
        say(f"{max(0, len(told['robots']) - number)} more robots differ, {told['unchanged']} do not")
    files: Sequence[ChangeView] = told["files"]
    print_table(
        [f"files of {'logs' if 'fleet' in told else told['repo']}", "bytes#", "was#"],
        ([file.path, _figure(file.after), _figure(file.before)] for file in files[:number]),
    )
    say(f"{len(files)} file(s) differ")
    if "fleet" in told and told["robots"]:
        say_next(f"forewarn trace {told['robots'][0]['robot_id']}")


def _figure(value: Number) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
