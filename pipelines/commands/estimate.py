"""`forewarn estimate`: time, memory, storage and dollars of a fleet, from this project's measured rates."""

from pathlib import Path

from features.errors import DataError, UsageError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say
from pipelines.estimate import Rates, intercept
from pipelines.estimate import estimate as predict
from pipelines.project import Project
from pipelines.specs import STEPS, load_specs
from pipelines.taken import in_words, newest_run, taken


def estimate(
    *,
    project: Path | None,
    robots: int | None,
    hours: float | None,
    cores: int,
    price: float,
    gib_per_core: float | None,
    robot_day_hours: float,
    json: bool,
) -> None:
    """Print the prediction with its assumptions.

    Raises UsageError without robots or hours, DataError before anything was pushed.
    """
    if robots is None or hours is None:
        raise UsageError("a fleet is robots and hours", expected="--robots N --hours H, or --measured")
    found = Project.find(project)
    specs = load_specs(found.config)
    alone = frozenset(name for name, spec in specs.items() if spec["parallelism_spec"]["constant"] == 1)
    with found.connect() as pachd:
        rates = measured(pachd, robot_day_hours)
    told = predict(
        rates, robots=robots, hours=hours, cores=cores, price=price, gib_per_core=gib_per_core, alone=alone
    )
    if json:
        print_json(told)
        return
    print_table(
        ["pipeline", "core-s per robot-hour#", "core-hours#"],
        ([s.pipeline, f"{s.core_seconds_per_robot_hour:.4g}", f"{s.core_hours:.4g}"] for s in told.stages),
    )
    say(
        f"{told.robot_hours:,.0f} robot-hours on {told.cores} cores: "
        f"{told.wall_hours:.3g} h, ${told.dollars:.2f}"
    )
    say(
        f"${told.dollars_per_1000_robot_hours:.4g} per 1,000 robot-hours; "
        f"most of it waits for {told.bottleneck}"
    )
    say(f"memory {_gib(told.memory_gib)}, {_gib(told.worker_gib)} a worker; storage {_gib(told.storage_gib)}")
    say(f"the machine of {', '.join(sorted(alone))}: {_gib(told.alone_gib)}")
    for line in told.assumptions:
        say(f"assumed: {line}")


def _gib(size: float | None) -> str:
    return "unknown" if size is None else f"{size:.3g} GiB"


def measured_run(*, project: Path | None, json: bool) -> None:
    """Print what the newest run took beside its prediction. Raises DataError before anything ran."""
    with Project.find(project).connect() as pachd:
        commit = newest_run(pachd)
        if commit is None:
            raise DataError("nothing ran yet", hint="forewarn push PATH")
        told = taken(pachd, commit)
    if json:
        print_json({"commit": commit, "pipelines": told})
        return
    print_table(
        ["pipeline", "datums#", "predicted s#", "measured s#"],
        (
            [
                one.pipeline,
                one.datums,
                "-" if one.predicted_s is None else f"{one.predicted_s:.2f}",
                f"{one.measured_s:.2f}",
            ]
            for one in told
        ),
    )
    say(in_words(told))


def measured(pachd: Pachd, robot_day_hours: float) -> Rates:
    """Seconds of the newest job of each pipeline that ran datums, scaled to all its datums; bytes stored.

    Robot-hours are the join's robot-days times `robot_day_hours`. What a pipeline of one datum takes whatever
    there is, is told apart where two of its runs saw different numbers of robot-days.
    """
    existing = pachd.pipelines()
    days = sum(1 for _ in pachd.glob("join", "/observations/*/*")) if "join" in existing else 0
    seconds: dict[str, float] = {}
    fixed: dict[str, float] = {}
    robot_days = {job.commit: job.total for job in pachd.jobs(pipeline="join")} if "join" in existing else {}
    for name in (step for step in STEPS if step in existing):
        ran = [job for job in pachd.jobs(pipeline=name) if job.processed and job.state == "SUCCESS"]
        if ran:
            seconds[name] = ran[0].work_s / ran[0].processed * ran[0].total
            if all(job.total == 1 for job in ran):
                fixed[name] = intercept([(robot_days.get(job.commit, 0), job.work_s) for job in ran])
    stored = {
        repo: sum(file.size for file in pachd.glob(repo, "/"))
        for repo in ("logs", *STEPS)
        if pachd.has_repo(repo) and pachd.head(repo)
    }
    peaks = {name: found for name in seconds if (found := _peaks(pachd, name))}
    held = {
        name: intercept([(robot_days.get(commit, 0), peak) for commit, peak in peaks[name].items()])
        for name in fixed.keys() & peaks.keys()
    }
    most = {name: max(found.values()) for name, found in peaks.items()}
    return Rates(days * robot_day_hours, seconds, stored, fixed, most, held)


def _peaks(pachd: Pachd, pipeline: str) -> dict[str, int]:
    """Commit → peak, newest first, as the embedded engine measured it; Pachyderm's does not."""
    try:
        return dict(pachd.ask("Peaks", pipeline=pipeline))
    except UsageError:
        return {}
