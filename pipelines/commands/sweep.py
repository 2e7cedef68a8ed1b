"""`forewarn sweep`: which window and which lead time are worth training for, from one pass over the data."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from features.errors import UsageError
from models.settings import TrainSettings
from models.sweep import Cell
from models.sweep import sweep as cells_of
from pipelines.commands.newest import download_newest
from pipelines.commands.output import print_json, print_table, say, say_next, stdout
from pipelines.config import Config
from pipelines.durations import format_duration, parse_duration
from pipelines.feedback import LABELS
from pipelines.project import Project
from pipelines.steps import features
from pipelines.steps.facts import read_facts
from pipelines.steps.files import parquet_files, read_tables
from pipelines.steps.labelled import labelled
from pipelines.steps.train import train_settings
from reports.sweep_page import best, sentence, sweep_page
from reports.words import decimal

INPUTS: Final = (
    ("join", "/observations", "day"),
    ("join", "/halo", "halo"),
    ("join", "/failures", "failures"),
    ("extract", "/facts", "facts"),
    (LABELS, "/", "labels"),
)


def sweep(*, project: Path | None, windows: str, leads: str, folder: Path | None, json: bool) -> None:
    """Write and show the sweep. Raises NotFoundError before the first push, UsageError for what cannot be."""
    found = Project.find(project)
    lengths, ahead = _durations(windows, "--windows"), _durations(leads, "--leads")
    config = found.config
    swept = _swept(config, lengths)
    settings = replace(train_settings(config.step_files["train"]), lookback=max(lengths))
    with TemporaryDirectory() as scratch:
        with found.connect() as pachd:
            commit = download_newest(pachd, INPUTS, Path(scratch), lacking="nothing is joined yet")
        say(f"features of {len(lengths)} windows from commit {commit}")
        cells = sweep_folder(Path(scratch), swept, settings, lengths, ahead)
    folder = folder or found.folder / "reports" / f"sweep-{commit}"
    folder.mkdir(parents=True, exist_ok=True)
    told = {"commit": commit, "best": best(cells), "cells": cells}
    (folder / "sweep.json").write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    title = f"{config.project.name}: window and lead time"
    (folder / "sweep.html").write_text(sweep_page(title, cells), "utf-8")
    if json:
        return print_json({"folder": str(folder), **told})
    _show(cells)
    say(f"heat map: {folder / 'sweep.html'}")
    return say_next("set lookback.windows and lookback.lead in forewarn.toml, then: forewarn push")


def sweep_folder(
    folder: Path,
    config: Config,
    settings: TrainSettings,
    lengths: list[timedelta],
    leads: list[timedelta],
) -> tuple[Cell, ...]:
    """The cells of a folder with `day`, `halo`, `failures`, `facts` as the join left them, and `labels`.

    The lead of `settings` is the one alerts went out with, which verdicts speak of.
    """
    (folder / "config").mkdir()
    (folder / "config" / "features.json").write_bytes(msgspec.json.encode(config.step_files["features"]))
    features.main(folder)
    said = labelled(read_tables(parquet_files(folder / "out" / "windows")), folder, settings)
    return cells_of(
        said.windows,
        said.failures,
        read_facts(folder / "facts"),
        settings,
        lengths=lengths,
        leads=leads,
        seen=said.seen,
    )


def _swept(config: Config, lengths: list[timedelta]) -> Config:
    """The configuration with these windows. Raises UsageError when the join kept too little for one."""
    value: dict[str, Any] = config.model_dump(mode="json")
    value["lookback"] |= {"windows": [format_duration(length) for length in lengths], "lead": "0s"}
    swept = Config.model_construct(**{**dict(config), "lookback": type(config.lookback)(**value["lookback"])})
    kept = config.halo_reach["observations"]
    if config.logs.partition == "day" and max(lengths) > kept:
        raise UsageError(
            "a window reaches further back than the join kept of the day before",
            got=format_duration(max(lengths)),
            expected=f"at most {format_duration(kept)}",
            hint="add the window to lookback.windows, push, and sweep again",
        )
    return swept


def _durations(text: str, option: str) -> list[timedelta]:
    try:
        found = sorted({parse_duration(part.strip()) for part in text.split(",")})
    except ValueError as error:
        raise UsageError(
            f"{option} is not a list of durations", got=text, expected="such as 10s,42s,2m", hint=str(error)
        ) from error
    if option == "--windows" and found[0] <= timedelta(0):
        raise UsageError("a window must be above 0s", got=text)
    return found


def _show(cells: tuple[Cell, ...]) -> None:
    """ROC-AUC, windows down and leads across."""
    leads = sorted({cell.lead_s for cell in cells})
    at = {(cell.window_s, cell.lead_s): cell for cell in cells}
    names = [f"{format_duration(timedelta(seconds=lead))} ahead#" for lead in leads]
    print_table(
        ["window", *names],
        (
            [
                format_duration(timedelta(seconds=window)),
                *(decimal(at[window, lead].roc_auc) for lead in leads),
            ]
            for window in sorted({cell.window_s for cell in cells})
        ),
    )
    stdout.print(sentence(cells), markup=False)
