"""`forewarn tune`: search settings for a time, keep them only where they beat the default on unseen rows."""

import os
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models.binned import CACHE_VARIABLE
from models.tune import Progress as Told
from models.tune import Tuned
from models.tune import tune as search
from pipelines.commands.newest import download_newest
from pipelines.commands.output import print_json, print_table, say, say_next, stderr, stdout
from pipelines.config import CONFIG_NAME, parse_config
from pipelines.config.edit import edited, fragment
from pipelines.feedback import LABELS
from pipelines.project import Project
from pipelines.steps.facts import read_facts
from pipelines.steps.files import parquet_files, read_tables
from pipelines.steps.labelled import labelled
from pipelines.steps.train import train_settings

INPUTS: Final = (
    ("features", "/windows", "windows"),
    ("join", "/failures", "failures"),
    ("extract", "/facts", "facts"),
    (LABELS, "/", "labels"),
)
STUDY: Final = "tune.db"
_NAMED: Final = 3


def tune(*, project: Path | None, minutes: float, trials: int, apply: bool, json: bool) -> None:
    """Search and show what was found; with `apply`, write it. Raises NotFoundError before the first push."""
    found = Project.find(project)
    settings = train_settings(found.config.step_files["train"])
    os.environ.setdefault(CACHE_VARIABLE, str(found.binned))
    with TemporaryDirectory() as name:
        folder = Path(name)
        with found.connect() as pachd:
            commit = download_newest(pachd, INPUTS, folder, lacking="there are no features yet")
        with _progress(trials) as progress:
            task = progress.add_task("tune", total=trials, note="the default first")

            def told(one: Told) -> None:
                note = f"inner PR-AUC: best {one.best:.3f}, default {one.default:.3f}"
                progress.update(task, completed=one.finished, note=note)
                if not stderr.is_terminal:
                    say(f"trial {one.finished}: {one.score:.3f}; {note}")

            said = labelled(read_tables(parquet_files(folder / "windows")), folder, settings)
            result = search(
                said.windows,
                said.failures,
                read_facts(folder / "facts"),
                settings,
                storage=found.state / STUDY,
                seconds=60 * minutes,
                trials=trials,
                told=told,
                seen=said.seen,
            )
    changes = changes_of(result)
    applied = apply and result.better
    if applied:
        path = found.folder / CONFIG_NAME
        text = edited(path.read_text("utf-8"), changes)
        parse_config(text, name=str(path))
        path.write_text(text, "utf-8")
    if json:
        return print_json(
            {"commit": commit, "applied": applied, "toml": changes, **msgspec.to_builtins(asdict(result))}
        )
    _show(result)
    if not result.better:
        return say("the default stays")
    if applied:
        return say_next("forewarn push PATH; it trains with the new settings")
    stdout.print(fragment(changes), markup=False)
    return say_next("forewarn tune --apply, or paste these lines into forewarn.toml")


def changes_of(result: Tuned) -> dict[str, dict[str, Any]]:
    """The winner as sections and keys of `forewarn.toml`; empty when the default stays."""
    if not result.better:
        return {}
    changes: dict[str, dict[str, Any]] = {"train": dict(result.settings)}
    if result.windows:
        changes["lookback"] = {"windows": list(result.windows)}
    return changes


def _progress(trials: int) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=stderr, disable=not stderr.is_terminal or not trials)


def _show(result: Tuned) -> None:
    rows = [
        ("default", f"{result.default_score:.3f}", f"{result.default:.3f}"),
        ("winner", f"{result.best_score:.3f}", f"{result.winner:.3f}"),
    ]
    print_table(("settings", "PR-AUC, inner folds #", "PR-AUC, untouched rows #"), rows)
    for reason, names in result.dropped.items():
        if names:
            more = ", …" if len(names) > _NAMED else ""
            say(
                f"left out by the search, {reason}: {len(names)} features ({', '.join(names[:_NAMED])}{more})"
            )
    gap = result.difference
    spread = "" if gap.low is None or gap.high is None else f" [{gap.low:+.3f} to {gap.high:+.3f}]"
    say(
        f"{result.finished} trials; difference {gap.value or 0.0:+.3f}{spread}, "
        f"better in {result.convinced:.0%} of the draws (95% needed)"
    )
