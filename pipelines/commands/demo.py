"""`forewarn demo` and `forewarn demo-data`: a synthetic fleet, and how well its failures are foretold."""

import shutil
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec

from features.errors import ConflictError
from pipelines.commands.output import print_json, say, say_next, stderr
from pipelines.commands.progress import watch_jobs
from pipelines.commands.push import commit_logs, finished, gather
from pipelines.commands.report import save_report, show
from pipelines.config import CONFIG_NAME, Config
from pipelines.project import Project
from pipelines.setup import set_up

if TYPE_CHECKING:
    from pipelines.client import Pachd
    from pipelines.demo.scoring import TruthScore
    from pipelines.demo.truth import Truth

MARK: Final = ".made-by-forewarn-demo"


def demo_data(*, folder: Path, robots: int, days: int, seed: int, json: bool) -> None:
    """Write `logs/`, `truth.json` and a matching `forewarn.toml`. Raises ConflictError when they exist."""
    if (folder / "logs").exists():
        raise ConflictError(f"{folder / 'logs'} exists already", hint="choose another folder")
    make_fleet(folder, robots=robots, days=days, seed=seed)
    if json:
        print_json({"folder": str(folder), "robots": robots, "days": days, "seed": seed})
    say_next(f"cd {folder} && forewarn push logs/")


def demo(*, folder: Path, robots: int, days: int, seed: int, json: bool) -> None:
    """The whole way on synthetic data: make a fleet, push it, wait for the report, score it."""
    _clear(folder)
    truth = make_fleet(folder, robots=robots, days=days, seed=seed)
    project = Project(folder.resolve())
    with project.connect() as pachd:
        set_up(pachd, project.config)
        commit = commit_logs(pachd, gather([folder / "logs"], "/"))
        finished(watch_jobs(pachd, commit))
        saved = save_report(pachd, project, commit, None)
        summary = msgspec.json.decode((saved / "summary.json").read_bytes())
        score = _score(pachd, truth, project.config, summary)
    if json:
        scored = None if score is None else asdict(score)
        print_json({"commit": commit, "report": str(saved / "report.html"), "truth": scored})
    else:
        show(summary)
    for line in (
        score.words() if score else ["too few failures to judge a model by later time; try more days"]
    ):
        say(line)
    say(f"report: {saved / 'report.html'}")
    say(f"open it: xdg-open {saved / 'report.html'}   (or paste the path into a browser)")
    say_next(f"cd {folder} && forewarn jobs   (then: forewarn quarantine)")


def make_fleet(folder: Path, *, robots: int, days: int, seed: int) -> "Truth":
    """The synthetic fleet's folder: logs, truth and configuration."""
    from pipelines.demo.fleet import write_fleet

    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    say(f"making a synthetic fleet: {robots} robots x {days} days, one message every 5 s")
    with stderr.status("making logs"):
        truth = write_fleet(folder, robots=robots, days=days, seed=seed)
    if not (folder / CONFIG_NAME).exists():
        text = files("pipelines.demo").joinpath(CONFIG_NAME).read_text("utf-8")
        (folder / CONFIG_NAME).write_text(text, "utf-8")
    return truth


def _clear(folder: Path) -> None:
    """Remove an earlier demo, and nothing else. Raises ConflictError for a folder of the user's."""
    if not folder.exists():
        return
    if not (folder / MARK).exists() and any(folder.iterdir()):
        raise ConflictError(f"{folder} was not made by forewarn demo", hint="name another with --folder")
    shutil.rmtree(folder)


def _score(pachd: "Pachd", truth: "Truth", config: Config, summary: dict[str, Any]) -> "TruthScore | None":
    """How the warnings after the training time compare with the truth; None when no model was judged."""
    from pipelines.demo.scoring import score_against_truth
    from pipelines.steps.files import parquet_files, read_tables

    evaluation = msgspec.json.decode(pachd.read("train", "/evaluation/evaluation.json"))
    judged = evaluation["by_time"]
    if judged is None or "test starts" not in judged["borders"]:
        return None
    with TemporaryDirectory() as scratch:
        for name in ("risk", "reasons"):
            pachd.download("score", f"/{name}", Path(scratch))
        risk, reasons = (read_tables(parquet_files(Path(scratch) / name)) for name in ("risk", "reasons"))
    return score_against_truth(
        truth,
        risk.filter(risk.column("alert")),
        from_time=datetime.fromisoformat(judged["borders"]["test starts"]),
        horizon=config.lookback.horizon,
        lead=config.lookback.lead,
        refractory=config.report.refractory,
        risk_by_robot={robot["robot_id"]: robot["risk"] or 0.0 for robot in summary["robots"]},
        reasons=reasons,
    )
