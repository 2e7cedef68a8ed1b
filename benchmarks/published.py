"""Our defaults on the splits others published figures for, without a choice made on their test part.

`python -m benchmarks.published azure|ur3-stop|ur3-grip FOLDER` prints JSON lines: the figures on the
published rows, those a random split of the same rows would claim (a leak, shown as one), then the table of
our own evaluation. FOLDER holds `azure_pdm_20x90d/` and `ur3_cobotops/`.
"""

import argparse
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.columns import later
from features.contract import one_chunk
from features.events import look_back_events
from features.labels import episodes, failure_cutoffs
from features.lookback import look_back
from features.schema import CODE, CUTOFF, FAILURES, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT, TIMESTAMP, TS
from models.bootstrap import Figure, figure, groups, per_group, ratio
from models.dataset import Episodes, gather
from models.encode import Encoding
from models.episodes import Stream
from models.evaluate import Evaluation, Part, Predictor
from models.learner import grow
from models.rank import Ranking
from models.settings import TrainSettings
from models.split import Split
from models.train import Trained, train

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Case:
    """One published problem: what to look back on, what fails, and the settings of the question."""

    observations: pa.Table
    events: dict[str, pa.Table]
    failures: pa.Table
    facts: pa.Table | None
    cutoffs: pa.Table
    windows: tuple[timedelta, ...]
    cap: timedelta
    settings: TrainSettings
    published: "Published"


@dataclass(frozen=True)
class Published:
    """The others' protocol: failures and settings that give their labels, and their test rows and labels."""

    failures: pa.Table
    settings: TrainSettings
    test: np.ndarray
    label: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=("azure", "ur3-stop", "ur3-grip"))
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    if asked.case == "azure":
        case = azure(asked.folder / "azure_pdm_20x90d")
    else:
        case = ur3(asked.folder / "ur3_cobotops" / "dataset.xlsx", asked.case.removeprefix("ur3-"))
    print(json.dumps(published(case)))
    print(json.dumps(shuffled(case)))
    for line in table(fitted(case).evaluation):
        print(json.dumps(line))


def azure(folder: Path) -> Case:
    """Hourly telemetry, error and maintenance events of 20 machines; a failure within 24 h of each hour.

    The published label counts the row of the failure's own hour as before the failure, both ends of the
    24 h inclusive; so a failure, and the repair stamped with the same hour, come a moment after the row.
    """
    telemetry = stream(pd.read_csv(folder / "PdM_telemetry.csv"), "machineID", "datetime")
    events = {}
    for name, file, column, delay in (
        ("error", "PdM_errors.csv", "errorID", timedelta(0)),
        ("maintenance", "PdM_maint.csv", "comp", MOMENT),
    ):
        rows = pd.read_csv(folder / file)
        for value in sorted(rows[column].unique()):
            mine = stream(rows[rows[column] == value], "machineID", "datetime")
            events[f"{name}_{value}"] = later_by(mine.drop_columns([column]), delay)
    failed = later_by(stream(pd.read_csv(folder / "PdM_failures.csv"), "machineID", "datetime"), MOMENT)
    failures = failed.rename_columns([ROBOT, TS, CODE]).cast(FAILURES)
    cutoffs = after(telemetry).sort_by([(ROBOT, "ascending"), (CUTOFF, "ascending")])
    machines = pd.read_csv(folder / "PdM_machines.csv")
    settings = TrainSettings(
        lead=timedelta(0),
        horizon=timedelta(hours=24) + MOMENT,
        lookback=timedelta(hours=24),
        episode_gap=timedelta(hours=1),
    )
    return Case(
        observations=telemetry,
        events=events,
        failures=failures,
        facts=pa.table(
            {
                ROBOT: machines["machineID"].astype(str).tolist(),
                "machine__model": machines["model"].tolist(),
                "machine__age": machines["age"].tolist(),
            }
        ),
        cutoffs=cutoffs,
        windows=(timedelta(hours=3), timedelta(hours=24)),
        cap=timedelta(days=365),
        settings=settings,
        published=Published(failures, settings, *last_fifth(cutoffs, failures, settings.horizon)),
    )


def last_fifth(cutoffs: pa.Table, failures: pa.Table, horizon: timedelta) -> tuple[np.ndarray, np.ndarray]:
    """The last fifth of the rows, and whether a failure comes within `horizon` as far as the data tell."""
    moments, robots = nanoseconds(cutoffs[CUTOFF]), np.array(cutoffs[ROBOT].to_pylist())
    label = np.zeros(len(moments), dtype=bool)
    for robot, at in zip(failures[ROBOT].to_pylist(), nanoseconds(failures[TS]), strict=True):
        label |= (
            (robots == robot) & (moments <= at) & (at < moments + horizon // timedelta(microseconds=1) * 1000)
        )
    return moments >= np.sort(moments)[int(np.ceil(len(moments) * 0.8))], label


def nanoseconds(column: pa.ChunkedArray) -> np.ndarray:
    """Times as int64 ns."""
    return column.cast(pa.int64()).to_numpy()


def ur3(path: Path, target: str) -> Case:
    """One-second rows of a workbench robot; the rising edge of a stop (or grip loss) within 5 s of each row.

    Temperatures are left out (a clock in disguise); the cycle counts only by the time since it began.
    Published: whether the level is up five rows (about five seconds) later, on the last fifth of cycle runs.
    """
    raw = pd.read_excel(path, engine="calamine")
    raw["robot"] = "ur3"
    level = raw["Robot_ProtectiveStop"].fillna(0) > 0 if target == "stop" else raw["grip_lost"].astype(bool)
    names = [name for name in raw.columns if name.startswith(("Current_", "Speed_", "Tool_"))]
    observations = stream(raw[["robot", "Timestamp", *names]], "robot", "Timestamp")
    new = raw["cycle "] != raw["cycle "].shift(1)

    def events(rows: Any) -> pa.Table:
        return stream(raw[rows][["robot", "Timestamp"]], "robot", "Timestamp")

    def failures(rows: Any) -> pa.Table:
        found = events(rows)
        return found.append_column(CODE, pa.array([target] * len(found))).cast(FAILURES)

    settings = TrainSettings(
        lead=timedelta(0),
        horizon=timedelta(seconds=5),
        lookback=timedelta(seconds=20),
        episode_gap=timedelta(seconds=2),
        alerts_per_robot_day=500.0,
        refractory=timedelta(seconds=5),
        baseline_features=("cycle__since_last_s",),
    )
    run = new.cumsum()
    test = (run > run.max() * 0.8).to_numpy()
    ahead = replace(
        settings,
        lead=timedelta(seconds=4.5),
        horizon=timedelta(seconds=1),
        episode_gap=timedelta(0),
        test_share=float(test.mean()),
    )
    later_level = level.shift(-5, fill_value=False).to_numpy()
    return Case(
        observations=observations,
        events={"cycle": events(new)},
        failures=failures(level & ~level.shift(1, fill_value=False)),
        facts=None,
        cutoffs=after(observations),
        windows=(timedelta(seconds=5), timedelta(seconds=20)),
        cap=timedelta(minutes=2),
        settings=settings,
        published=Published(failures(level), ahead, test, later_level),
    )


def stream(frame: pd.DataFrame, robot: str, time: str) -> pa.Table:
    """A frame as a stream: `robot_id`, `ts`, then its other columns."""
    moments = pd.to_datetime(frame[time].str.strip('"'), utc=True, format="ISO8601").astype(
        "datetime64[ns, UTC]"
    )
    columns: dict[str, Any] = {
        ROBOT: pa.array(frame[robot].astype(str).tolist(), pa.string()),
        TS: pa.array(moments.astype("int64").tolist(), pa.int64()).cast(TIMESTAMP),
    }
    for name in frame.columns.drop([robot, time]):
        columns[str(name)] = pa.array(frame[name].tolist())
    return pa.table(columns)


def after(rows: pa.Table) -> pa.Table:
    """Decisions made on each row, itself included: cut-offs a moment later."""
    return later_by(rows, MOMENT).select([ROBOT, TS]).rename_columns([ROBOT, CUTOFF])


def later_by(rows: pa.Table, delay: timedelta) -> pa.Table:
    """The same records, `delay` later."""
    moments = rows[TS].cast(pa.int64()).to_numpy() + delay // timedelta(microseconds=1) * 1000
    return rows.set_column(1, TS, pa.array(moments).cast(TIMESTAMP))


def looked_back(case: Case, cutoffs: pa.Table, *, exclude: bool, is_failure: bool = False) -> pa.Table:
    """The windows of `cutoffs`; with `exclude`, only those without a failure in them."""
    failures = case.failures if exclude else None
    kept = look_back(case.observations, cutoffs, windows=case.windows, failures=failures).features
    counted = look_back_events(case.events, kept.select([ROBOT, CUTOFF]), windows=case.windows, cap=case.cap)
    keys = {
        ROBOT: kept[ROBOT],
        CUTOFF: kept[CUTOFF],
        LATEST_USED: later(one_chunk(kept[LATEST_USED]), one_chunk(counted[LATEST_USED])),
        IS_FAILURE_CUTOFF: pa.array(np.full(len(kept), is_failure)),
    }
    return pa.table(
        keys | {name: t[name] for t in (kept, counted) for name in t.column_names if name not in keys}
    )


def with_classic(case: Case, failures: pa.Table, settings: TrainSettings, *, exclude: bool) -> pa.Table:
    """The windows of every cut-off and of the classic ones, `episode start - lead`."""
    classic = failure_cutoffs(episodes(failures, settings.episode_gap), settings.lead)
    return pa.concat_tables(
        [
            looked_back(case, case.cutoffs, exclude=exclude),
            looked_back(case, classic, exclude=exclude, is_failure=True),
        ]
    )


def fitted(case: Case) -> Trained:
    """Our defaults by our rules: no window that holds a failure, and classic look-back cut-offs."""
    windows = with_classic(case, case.failures, case.settings, exclude=True)
    return train(windows, case.failures, case.facts, {}, case.settings, provenance={}, units={})


def published(case: Case) -> dict[str, Any]:
    """Our defaults on every row, judged on the published test rows and labels.

    Nothing is excluded there, so windows that hold a failure teach, too; and rows whose horizon reaches
    past the end of the data count as negative.
    """
    theirs = case.published
    rows = looked_back(case, case.cutoffs, exclude=False)
    windows = with_classic(case, theirs.failures, theirs.settings, exclude=False)
    model = train(windows, theirs.failures, case.facts, {}, theirs.settings, provenance={}, units={}).model
    rows = rows.filter(pa.array(theirs.test))
    test = judged_on(rows, theirs)
    risk, among = model.predict(rows, case.facts), groups(test, theirs.settings.bootstraps, 0)
    hot = risk >= model.threshold
    right, wrong = (
        per_group(found, among.row, among.count) for found in (hot & test.label, hot ^ test.label)
    )
    ranking = Ranking.of(risk, test.label, among.row, among.count)
    figures = {
        "f1": ratio(2 * right, 2 * right + wrong, among),
        "roc_auc": figure(ranking.roc_auc(), ranking.roc_auc(among.weights), among),
        "pr_auc": figure(ranking.pr_auc(), ranking.pr_auc(among.weights), among),
    }
    return {
        "rows": len(test),
        "positives": int(test.label.sum()),
        **{name: _interval(found) for name, found in figures.items()},
        "redrawn": f"{among.count} {among.unit}s",
        "threshold": model.threshold,
    }


def judged_on(rows: pa.Table, theirs: Published) -> Stream:
    """The published test rows and labels; there are no episodes in that protocol."""
    none, names = np.empty(0, dtype=np.int64), rows[ROBOT].combine_chunks().dictionary_encode()
    return Stream(
        robot=names.indices.to_numpy().astype(np.int32),
        cutoff=nanoseconds(rows[CUTOFF]),
        label=theirs.label[theirs.test],
        episodes=Episodes(none.astype(np.int32), none, ()),
        first=none,
        last=none,
        warned_for=theirs.settings.horizon // timedelta(microseconds=1) * 1000,
        refractory=0,
        days=0.0,
    )


def shuffled(case: Case) -> dict[str, Any]:
    """What a random fifth of the rows would claim: a leak, for neighbours of test rows have taught."""
    theirs = case.published
    data = gather(
        looked_back(case, case.cutoffs, exclude=False), theirs.failures, case.facts, theirs.settings
    )
    encoding = Encoding.learn(data.table)
    matrix = encoding.matrix(data.table)
    rows = np.random.default_rng(theirs.settings.seed).permutation(len(data))
    border = len(rows) // 5
    split = Split("random rows", np.sort(rows[border:]), rows[:0], np.sort(rows[:border]))
    grown = grow(data, matrix, split, encoding, theirs.settings)
    ranking = Ranking.of(grown.score(matrix[split.test]), data.label[split.test])
    return {"leak": split.question, "roc_auc": ranking.roc_auc(), "pr_auc": ranking.pr_auc()}


def table(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One entry per predictor of each question, then its verdict."""
    lines: list[dict[str, Any]] = []
    for part in (evaluation.by_time, evaluation.by_robot, evaluation.nested):
        if part is not None:
            lines += [_line(part, predictor) for predictor in (part.model, *part.baselines)]
            lines.append({"question": part.question, "verdict": part.verdict.sentence})
    return lines


def _line(part: Part, predictor: Predictor) -> dict[str, Any]:
    figures = {
        "pr_auc": predictor.rows.pr_auc,
        "roc_auc": predictor.rows.roc_auc,
        "recall": predictor.episodes.recall,
        "false_alarms_per_robot_day": predictor.episodes.false_alarms_per_robot_day,
    }
    return {
        "question": part.question,
        "predictor": predictor.name,
        **{name: _interval(found) for name, found in figures.items()},
        "f1": _short(predictor.rows.f1),
        "prevalence": _short(predictor.rows.prevalence),
        "episodes": f"{predictor.episodes.caught}/{predictor.episodes.episodes}",
        "beaten": predictor.beaten,
    }


def _interval(found: Figure) -> list[float | None]:
    """The value and the ends of its 95 % interval."""
    return [_short(found.value), _short(found.low), _short(found.high)]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


if __name__ == "__main__":
    main()
