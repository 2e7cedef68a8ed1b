"""What the rules see: a report's summary, or a job that ended, becomes findings in plain words."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from pipelines.alerts.state import Finding, Observation
from pipelines.config.alerts import RuleSection
from reports.ranking import CANNOT, SILENT
from reports.words import percent

Summary = Mapping[str, Any]
Facts = Mapping[str, Mapping[str, Any]]
JOBS: Final = "job_failed"


def of_report(
    summary: Summary, facts: Facts, rules: Mapping[str, RuleSection], *, commit: str, at: datetime
) -> Observation:
    """What a report shows every rule but those about jobs.

    summary: its `summary.json`; facts: robot id → fact → value; at: when the commit was finished. Raises
    KeyError where the summary is of another version.
    """
    found = {
        name: tuple(_SEEN[rule.when.kind](summary, rule, _robots(summary, facts, rule), at))
        for name, rule in rules.items()
        if rule.when.kind != JOBS
    }
    return Observation(at, commit, found)


def of_job(
    pipeline: str,
    state: str,
    reason: str,
    rules: Mapping[str, RuleSection],
    *,
    commit: str,
    at: datetime,
    left_out: int = 0,
) -> Observation | None:
    """What a job's end shows the rules about jobs; None where it neither worked nor failed.

    A job that `left_out` datums because they failed for good counts as failed.
    """
    if state not in ("SUCCESS", "FAILURE"):
        return None
    told = f"a job of {pipeline} failed: {reason.strip() or 'no reason was told'}"[:500]
    if state == "SUCCESS":
        told = f"a job of {pipeline} left out {left_out} datum(s) that failed in every try"
    findings = (Finding(pipeline, told, at),) if state == "FAILURE" or left_out else ()
    about = {name: findings for name, rule in rules.items() if rule.when.kind == JOBS}
    return Observation(at, commit, about, frozenset({pipeline}))


def _robots(summary: Summary, facts: Facts, rule: RuleSection) -> list[Summary]:
    """Lines of the report a rule is about, the most at risk first."""
    return [
        robot
        for robot in summary["robots"]
        if any(fnmatchcase(robot["robot_id"], pattern) for pattern in rule.robots)
        and all(
            str(facts.get(robot["robot_id"], {}).get(fact)) in values for fact, values in rule.where.items()
        )
    ]


def _risk(summary: Summary, rule: RuleSection, robots: Sequence[Summary], _at: datetime) -> Iterator[Finding]:
    value, moment = ("risk_now", "last_cutoff") if summary["rank_by"] == "now" else ("risk_peak", "peak_at")
    shown = [robot for robot in robots if robot[value] is not None]
    limit = rule.when.limit
    stays = limit if rule.resolve_below is None else rule.resolve_below
    for robot in sorted(shown, key=lambda robot: (-robot[value], robot["robot_id"])):
        if robot[value] >= stays:
            told = f"{robot['robot_id']}: risk of failure {percent(robot[value])}{_because(robot)}"
            yield _about(robot, told, moment, value=robot[value], firing=robot[value] >= limit)


def _top(_: Summary, rule: RuleSection, robots: Sequence[Summary], _at: datetime) -> Iterator[Finding]:
    ranked = [robot for robot in robots if robot["rank"] is not None and robot["rank"] <= rule.when.limit]
    for robot in sorted(ranked, key=lambda robot: int(robot["rank"])):
        told = f"{robot['robot_id']}: number {robot['rank']} of the fleet by risk{_because(robot)}"
        yield _about(robot, told, "last_cutoff", value=robot["risk"])


def _cannot(_: Summary, _rule: RuleSection, robots: Sequence[Summary], at: datetime) -> Iterator[Finding]:
    for robot in robots:
        if robot["status"] == CANNOT:
            name = robot["robot_id"]
            yield Finding(name, f"{name} cannot be scored: {robot['why']}", at, robot=name)


def _silent(
    summary: Summary, _rule: RuleSection, robots: Sequence[Summary], at: datetime
) -> Iterator[Finding]:
    names = {robot["robot_id"] for robot in robots}
    for robot in robots:
        if robot["status"] == SILENT:
            name = robot["robot_id"]
            yield Finding(name, f"{name} is silent: {robot['why']}", at, robot=name)
    for row in summary["watch"]["silent_streams"]:
        name, stream = row["robot_id"], row["stream"]
        if name in names:
            told = f"stream {stream} of {name} is silent: no match on {row['day'] or 'its newest day'}"
            yield Finding(f"{name}/{stream}", told, at, robot=name)


def _drift(summary: Summary, rule: RuleSection, _: Sequence[Summary], at: datetime) -> Iterator[Finding]:
    drift = summary["watch"]["drift"]
    rows = [row for row in (drift["risk"], *drift["most"]) if row is not None]
    stays = rule.when.limit if rule.resolve_below is None else rule.resolve_below
    for row in sorted(rows, key=lambda row: (-row["psi"], row["feature"])):
        if row["psi"] >= stays:
            told = f"{row['feature']} drifted from what the model was taught: PSI {row['psi']:.2f}"
            yield Finding(
                row["feature"], told, at, firing=row["psi"] >= rule.when.limit, value=float(row["psi"])
            )


_SEEN: Final[
    Mapping[str, Callable[[Summary, RuleSection, Sequence[Summary], datetime], Iterable[Finding]]]
] = {
    "risk_above": _risk,
    "top": _top,
    "cannot_score": _cannot,
    "silent_stream": _silent,
    "drift_above": _drift,
}


def _about(robot: Summary, told: str, moment: str, *, value: float, firing: bool = True) -> Finding:
    name, cutoff = robot["robot_id"], robot[moment]
    evidence = datetime.fromisoformat(cutoff)
    return Finding(name, told, evidence, firing=firing, value=value, robot=name, cutoff=cutoff)


def _because(robot: Summary) -> str:
    return f"; {robot['reasons'][0]['words']}" if robot["reasons"] else ""
