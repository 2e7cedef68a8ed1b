"""`forewarn trace`: a number of a report back to commit, datum, file and message; a log on to its reports."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from features.errors import NotFoundError, UsageError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say, say_next, shortened, stdout
from pipelines.commands.trace_messages import Span, messages_behind
from pipelines.project import Project
from pipelines.specs import load_specs
from pipelines.steps.files import encode
from reports.provenance import SECTIONS

Row = Mapping[str, Any]
SUMMARY: Final = "/summary.json"
OF_FAILURES: Final = ("episodes", "last_failure", "failed")
"""What the summary says of a robot from its failures, not from its risk."""
SHOWN: Final = 20


def trace(*, project: Path | None, what: str, commit: str | None, number: int, json: bool) -> None:
    """Trace a robot's risk, a number of `summary.json` by its pointer, or a pushed file by its path.

    Raises NotFoundError when there is no report, or nothing of that name in it or in the logs.
    """
    found = Project.find(project)
    with found.connect() as pachd:
        told = _of_report(found, pachd, what, commit, number) or _of_log(pachd, what)
    if json:
        print_json(told)
    elif "versions" in told:
        _show_log(told)
    else:
        _show_number(told)


def _of_report(project: Project, pachd: Pachd, what: str, commit: str | None, number: int) -> Any:
    try:
        head = pachd.resolve("report", commit or "master")
        summary = msgspec.json.decode(pachd.read("report", SUMMARY, head))
    except NotFoundError as error:
        if what.startswith("/") and commit is None:
            return None
        raise NotFoundError(f"no report: {error.what}", hint="forewarn push PATH") from error
    pointer = _pointer(summary, what)
    if pointer is None:
        return None
    tokens = pointer.split("/")[1:]
    told = {"report": head, "pointer": pointer, "value": _at(summary, pointer)}
    inputs = _inputs(project, summary, SECTIONS.get(tokens[0], ()))
    if tokens[0] != "robots" or len(tokens) == 1:
        if not inputs:
            raise UsageError(f"{pointer} is no number of data", expected=f"one below {', '.join(SECTIONS)}")
        rows = [row for one in inputs.values() for row in _back(pachd, one, [one["path"]], "")]
        return told | {"rows": _unique(rows)}
    robot = summary["robots"][int(tokens[1])]
    name = "failures" if len(tokens) > 2 and tokens[2] in OF_FAILURES else "risk"
    moment = robot["last_failure"] if name == "failures" else robot["reasons_at"] or robot["last_cutoff"]
    told |= {"robot": robot["robot_id"], "at": moment, "rows": [], "messages": []}
    if moment is None:
        return told
    source = inputs[name]
    folder = f"{source['path']}/{encode(robot['robot_id'])}"
    paths = [file.path for file in pachd.glob(source["repo"], f"{folder}/*", source["commit"])]
    days = [path for path in paths if Path(path).stem in ("all", moment[:10])] or paths
    rows = _unique(_back(pachd, source, days, encode(robot["robot_id"])))
    span = Span(robot["robot_id"], moment, 0 if name == "failures" else max(summary["question"]["windows_s"]))
    return told | {"rows": rows, "span": span, "messages": messages_behind(pachd, rows, span, number)}


def _pointer(summary: Any, what: str) -> str | None:
    """The JSON pointer of a robot, or `what` itself when the summary has it."""
    for index, robot in enumerate(summary["robots"]):
        if robot["robot_id"] == what:
            return f"/robots/{index}"
    if not what.startswith("/"):
        names = ", ".join(robot["robot_id"] for robot in summary["robots"][:SHOWN])
        raise NotFoundError(f"no robot {what} in the report", expected=f"{names}, a pointer or a pushed path")
    try:
        _at(summary, what)
    except (KeyError, IndexError, ValueError, TypeError):
        return None
    return what


def _at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _inputs(project: Project, summary: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Input of the report → repo, path and the commit this report read."""
    given = (part["pfs"] for part in load_specs(project.config)["report"]["input"]["cross"])
    return {
        pfs["name"]: {"repo": pfs["repo"], "path": pfs["glob"], "commit": summary["provenance"][pfs["name"]]}
        for pfs in given
        if pfs["name"] in names and pfs["name"] in summary["provenance"]
    }


def _back(pachd: Pachd, source: Mapping[str, str], paths: Sequence[str], segment: str) -> list[Row]:
    rows: list[Row] = pachd.ask(
        "TraceBack", repo=source["repo"], commit=source["commit"], paths=paths, segment=segment
    )
    return rows


def _unique(rows: Sequence[Row]) -> list[Row]:
    return list({(r["kind"], r.get("datum"), r.get("path"), r["commit"]): r for r in rows}.values())


def _of_log(pachd: Pachd, path: str) -> dict[str, Any]:
    reached = pachd.ask("TraceOn", repo="logs", path=path) if _is_there(pachd, path) else []
    versions = pachd.ask("Versions", repo="logs", path=path, target="report")
    robots = sorted(
        {file.split("/")[2] for row in reached for file in row["files"] if file.startswith("/day/")}
    )
    return {"path": path, "versions": versions, "robots": robots, "reached": reached}


def _is_there(pachd: Pachd, path: str) -> bool:
    return any(True for _ in pachd.glob("logs", path))


def _show_number(told: Mapping[str, Any]) -> None:
    if "robot" in told:
        stdout.print(
            f"robot {told['robot']} of report {told['report']}, {told['pointer']} at {told['at']}",
            markup=False,
        )
    else:
        stdout.print(f"{told['pointer']} of report {told['report']}: {told['value']}", markup=False)
    made = [row for row in told["rows"] if row["kind"] == "made"]
    print_table(
        ["step", "datum", "ran in commit", "files"],
        ([r["pipeline"], r["datum"][:16], r["ran_in"], _some(r["files"])] for r in made[:SHOWN]),
    )
    if len(made) > SHOWN:
        counts = Counter(row["pipeline"] for row in made)
        say(f"of {', '.join(f'{n} {step}' for step, n in counts.items())} datums (all: --json)")
    pushed = [row for row in told["rows"] if row["kind"] == "pushed"]
    print_table(
        ["pushed file", "bytes#", "by commit", "at"],
        ([f"{r['repo']}:{r['path']}", r["size"], r["commit"], r["at"]] for r in pushed[:SHOWN]),
    )
    if len(pushed) > SHOWN:
        say(f"and {len(pushed) - SHOWN} more (all: --json)")
    if told.get("messages"):
        span = told["span"]
        before = f"in the {span.seconds:g} s before and " if span.seconds else ""
        say(f"the last messages {before}at {span.end}:")
        print_table(
            ["time", "stream", "file", "member", "line", "message"],
            (
                [m["ts"], m["stream"], m["file"], m["member"], m["line"] or "", shortened(m["raw"])]
                for m in told["messages"]
            ),
        )


def _show_log(told: Mapping[str, Any]) -> None:
    print_table(
        ["pushed by commit", "at", "bytes#", "reports#", "first report", "last report"],
        (
            [
                v["commit"],
                v["at"],
                v["size"],
                len(v["commits"]),
                *(v["commits"][:1] or ["-"]),
                *(v["commits"][-1:] or ["-"]),
            ]
            for v in told["versions"]
        ),
    )
    reached = Counter(row["pipeline"] for row in told["reached"])
    for step, count in reached.items():
        say(f"{step}: {count} datum(s) read it, directly or by way of others")
    if told["robots"]:
        say(f"robots: {', '.join(told['robots'][:SHOWN])}")
        say_next(f"forewarn trace {told['robots'][0]}")


def _some(files: Sequence[str]) -> str:
    return "  ".join(files[:2]) + (f"  and {len(files) - 2} more" if len(files) > 2 else "")
