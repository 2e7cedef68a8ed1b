from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.errors import DataError, NotFoundError
from features.schema import IS_FAILURE_CUTOFF, ROBOT, TS
from models.artifact import Model, load, save
from models.baselines import CONSTANT, DECLARED, OWN_RATE, PERMUTED, RANDOM, SINCE, SINGLE
from models.evaluate import Evaluation
from models.settings import TrainSettings
from models.train import Trained, train
from models.verdict import NOT_USEFUL, TOO_FEW, USEFUL

UNITS = {"battery__voltage": "V", "pose__speed": "m/s"}


def run(fleet: Any, settings: TrainSettings) -> Trained:
    return train(
        fleet.windows,
        fleet.failures,
        fleet.facts,
        {"failure_in_window": 3, "insufficient_data": 1},
        settings,
        provenance={"features": "0123abcd"},
        units=UNITS,
    )


@pytest.fixture(scope="module")
def two_causes(make_fleet: Callable[..., Any]) -> Any:
    """A voltage that matters only on busy robots, so that no single threshold tells."""
    made = make_fleet(minutes=3000, effect=3.0)
    busy = np.array(made.windows["state__last__2m"].to_pylist()) == "busy"
    generator = np.random.default_rng(5)
    volts = made.windows["battery__voltage__mean__2m"].to_numpy()
    index = made.windows.column_names.index("battery__voltage__mean__2m")
    decoy = np.where(busy, volts, 22.0 + generator.normal(size=len(volts)))
    speed = np.where(busy, generator.normal(size=len(volts)), volts - 25.0)
    windows = made.windows.set_column(index, "battery__voltage__mean__2m", pa.array(decoy)).drop_columns(
        ["battery__voltage__min__2m"]
    )
    place = windows.column_names.index("pose__speed__mean__2m")
    return type(made)(
        windows.set_column(place, "pose__speed__mean__2m", pa.array(speed)), made.failures, made.facts
    )


@pytest.fixture(scope="module")
def trained(two_causes: Any, make_settings: Callable[..., TrainSettings]) -> Trained:
    return run(two_causes, make_settings(alerts_per_robot_day=10.0, baseline_features=("pose__",)))


def test_a_planted_cause_is_found_and_useful(trained: Trained) -> None:
    part = trained.evaluation.by_time
    assert part.verdict.word == USEFUL, part.verdict.sentence
    assert part.verdict.sentence.startswith("Useful: ")
    assert part.model.episodes.recall.value is not None
    assert part.model.episodes.recall.value >= 0.8
    assert f"{part.model.episodes.episodes} failure episodes caught" in part.verdict.sentence
    names = [baseline.name for baseline in part.baselines]
    assert names == [CONSTANT, OWN_RATE, SINCE, SINGLE, DECLARED, PERMUTED, RANDOM]
    assert all(baseline.beaten for baseline in part.baselines)


def test_permuted_labels_know_nothing(trained: Trained) -> None:
    part = trained.evaluation.by_time
    permuted = next(baseline for baseline in part.baselines if baseline.name == PERMUTED)
    assert permuted.rows.pr_auc.value < 3 * permuted.rows.prevalence  # type: ignore[operator]


def test_unseen_robots_are_reported_too(trained: Trained) -> None:
    evaluation = trained.evaluation
    assert evaluation.by_robot is not None
    assert evaluation.by_robot.model.rows.pr_auc.value > 0.5  # type: ignore[operator]
    assert evaluation.nested is not None
    assert evaluation.nested.counts["test rows"] < evaluation.by_robot.counts["test rows"]


def test_figures_carry_intervals_and_counts(trained: Trained) -> None:
    part, evaluation = trained.evaluation.by_time, trained.evaluation
    recall = part.model.rows.pr_auc
    assert part.interval_unit == "robot"
    assert recall.low <= recall.value <= recall.high  # type: ignore[operator]
    assert evaluation.excluded == {"failure_in_window": 3, "insufficient_data": 1}
    counts = evaluation.counts
    assert counts["labelled"] + counts["horizon not observed"] == counts["windows"]
    assert sum(block.rows for block in part.reliability) == part.counts["test rows"]
    assert sum(cut.rows for cut in part.slices if cut.by == "robot") == part.counts["test rows"]
    assert (
        sum(cut.episodes for cut in part.slices if cut.by == "machine__model") == part.counts["test episodes"]
    )
    assert part.lead_times[0].recall == part.model.episodes.recall.value
    assert part.pr_curve[-1].recall == 1.0


def test_the_test_table_is_what_was_judged(trained: Trained) -> None:
    test, part = trained.test, trained.evaluation.by_time
    assert test.column_names == ["robot_id", "cutoff", "label", "risk", "alert"]
    assert len(test) == part.counts["test rows"]
    assert sum(test["label"].to_pylist()) == part.model.rows.positives
    brier = np.mean((test["risk"].to_numpy() - test["label"].to_numpy()) ** 2)
    assert part.model.rows.brier.value == pytest.approx(brier)
    assert (test["alert"].to_numpy() == (test["risk"].to_numpy() >= trained.model.threshold)).all()


def test_risks_mean_what_they_say(trained: Trained) -> None:
    rows = trained.evaluation.by_time.model.rows
    mean = np.mean(trained.test["risk"].to_numpy())
    assert mean == pytest.approx(rows.prevalence, rel=0.35)


def test_two_runs_in_any_row_order_give_the_same_bytes(
    two_causes: Any, trained: Trained, tmp_path: Path, make_settings: Callable[..., TrainSettings]
) -> None:
    order = pa.array(np.random.default_rng(1).permutation(len(two_causes.windows)))
    shuffled = type(two_causes)(two_causes.windows.take(order), two_causes.failures, two_causes.facts)
    again = run(shuffled, make_settings(alerts_per_robot_day=10.0, baseline_features=("pose__",)))
    save(trained.model, tmp_path / "one")
    save(again.model, tmp_path / "two")
    for name in ("model.txt", "card.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert trained.evaluation.to_json() == again.evaluation.to_json()
    assert trained.test.equals(again.test)


def test_a_model_survives_the_disk(two_causes: Any, trained: Trained, tmp_path: Path) -> None:
    save(trained.model, tmp_path)
    loaded = load(tmp_path)
    assert loaded.threshold == trained.model.threshold
    risk = loaded.predict(two_causes.windows, two_causes.facts)
    assert risk.dtype == np.float64
    assert (risk == trained.model.predict(two_causes.windows, two_causes.facts)).all()
    assert ((risk > 0) & (risk < 1)).all()
    card = loaded.card
    assert card["provenance"] == {"features": "0123abcd"}
    assert card["leakage_certificate"]["latest_used_after_cutoff"] == 0
    assert card["leakage_certificate"]["margin_s"] == 1.0
    assert {"name": "battery__voltage__mean__2m", "unit": "V"} in card["features"]
    assert TrainSettings.from_dict(card["settings"]).horizon.total_seconds() == 1800


def test_evaluation_survives_json(trained: Trained) -> None:
    assert Evaluation.from_json(trained.evaluation.to_json()) == trained.evaluation
    with pytest.raises(DataError, match="this is no evaluation"):
        Evaluation.from_json(b'{"counts": 1}')


def test_a_missing_folder_or_foreign_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model here"):
        load(tmp_path)
    (tmp_path / "model.txt").write_text("")
    (tmp_path / "card.json").write_text('{"format": 99}')
    with pytest.raises(DataError, match="unknown model card format"):
        load(tmp_path)


def test_scoring_without_a_feature_names_it(two_causes: Any, trained: Trained) -> None:
    with pytest.raises(DataError, match=r"features the model needs are missing; got: pose__speed__mean__2m"):
        trained.model.predict(two_causes.windows.drop_columns(["pose__speed__mean__2m"]), two_causes.facts)


def test_unknown_robots_and_categories_still_get_a_risk(two_causes: Any, trained: Trained) -> None:
    row = two_causes.windows.slice(0, 1)
    place = row.column_names.index("state__last__2m")
    odd = row.set_column(place, "state__last__2m", pa.array(["levitating"])).set_column(
        0, ROBOT, pa.array(["new"])
    )
    assert 0 < trained.model.predict(odd, two_causes.facts)[0] < 1


def test_a_value_missing_for_the_first_time_counts_as_usual(two_causes: Any, trained: Trained) -> None:
    windows = two_causes.windows.slice(0, 50)
    name = "battery__voltage__mean__2m"
    place = windows.column_names.index(name)
    unknown = windows.set_column(place, name, pa.nulls(50, pa.float64()))
    usual = windows.set_column(place, name, pa.array([trained.model.card["usual"][name]] * 50, pa.float64()))
    missing = trained.model.predict(unknown, two_causes.facts)
    assert np.abs(missing - trained.model.predict(usual, two_causes.facts)).max() < 0.05


def test_noise_is_not_useful(
    make_fleet: Callable[..., Any], make_settings: Callable[..., TrainSettings]
) -> None:
    noise = run(make_fleet(effect=0.0, seed=2), make_settings(alerts_per_robot_day=10.0))
    assert noise.evaluation.verdict.word == NOT_USEFUL
    assert noise.evaluation.verdict.sentence.startswith("Not useful: ")


@pytest.mark.parametrize(
    ("shape", "changed"),
    [
        ({"every": 0}, {}),
        ({"robots": 1, "minutes": 1000}, {}),
        ({"robots": 2, "minutes": 30}, {}),
        ({"robots": 1, "minutes": 1}, {}),
        ({"robots": 6, "minutes": 900, "every": 900}, {"min_episodes": 50}),
    ],
)
def test_too_few_failures_give_a_plain_verdict(
    shape: dict[str, int],
    changed: dict[str, Any],
    make_fleet: Callable[..., Any],
    make_settings: Callable[..., TrainSettings],
    tmp_path: Path,
) -> None:
    fleet = make_fleet(**shape)
    result = run(fleet, make_settings(**changed))
    assert result.evaluation.verdict.word == TOO_FEW
    assert Evaluation.from_json(result.evaluation.to_json()) == result.evaluation
    save(result.model, tmp_path)
    risk = load(tmp_path).predict(fleet.windows, fleet.facts)
    assert len(risk) == len(fleet.windows)
    assert np.isfinite(risk).all()


def test_no_windows_at_all(fleet: Any, make_settings: Callable[..., TrainSettings]) -> None:
    result = train(
        fleet.windows.slice(0, 0),
        fleet.failures.slice(0, 0),
        None,
        {},
        make_settings(),
        provenance={},
        units={},
    )
    assert result.evaluation.verdict.word == TOO_FEW
    assert len(result.test) == 0


def test_failures_of_robots_without_windows_count_as_missed(
    fleet: Any, make_settings: Callable[..., TrainSettings]
) -> None:
    silent = pa.array(["ghost"])
    late = fleet.failures.sort_by(TS).slice(len(fleet.failures) - 1)
    ghost = pa.concat_tables([fleet.failures, late.set_column(0, ROBOT, silent)])
    before = run(fleet, make_settings(rounds=5)).evaluation.by_time.model.episodes
    after = run(
        type(fleet)(fleet.windows, ghost, None), make_settings(rounds=5)
    ).evaluation.by_time.model.episodes
    assert (after.episodes, after.unreachable) == (before.episodes + 1, before.unreachable + 1)


def test_subsampling_and_weights_keep_the_level(
    two_causes: Any, make_settings: Callable[..., TrainSettings]
) -> None:
    for changed in ({"negatives_per_positive": 2.0}, {"positive_weight": 10.0}):
        model = run(two_causes, make_settings(**changed)).model
        raw = _uncalibrated(model)
        assert raw.predict(two_causes.windows, two_causes.facts).mean() == pytest.approx(0.05, abs=0.03)


def test_lookback_positives_teach_but_are_not_tested(
    two_causes: Any, make_settings: Callable[..., TrainSettings]
) -> None:
    marked = two_causes.windows.append_column("extra", pa.array(np.arange(len(two_causes.windows)) % 7 == 0))
    flags = marked["extra"].combine_chunks()
    place = marked.column_names.index(IS_FAILURE_CUTOFF)
    windows = marked.set_column(place, IS_FAILURE_CUTOFF, flags).drop_columns(["extra"])
    result = run(type(two_causes)(windows, two_causes.failures, None), make_settings(rounds=5))
    off_grid = {
        (row["robot_id"], row["cutoff"])
        for row in windows.filter(flags).select(["robot_id", "cutoff"]).to_pylist()
    }
    tested = {
        (row["robot_id"], row["cutoff"]) for row in result.test.select(["robot_id", "cutoff"]).to_pylist()
    }
    assert not off_grid & tested
    assert result.evaluation.counts["look-back cut-offs"] > 0


def _uncalibrated(model: Model) -> Model:
    identity = {"kind": "shift", "x": [0.0], "y": [0.0], "slope": 1.0}
    return Model(model.text, {**model.card, "calibration": identity})


def test_a_monotone_feature_never_lowers_the_risk(
    fleet: Any, make_settings: Callable[..., TrainSettings]
) -> None:
    settings = make_settings(monotone={"battery__*": -1}, rounds=40)
    model = run(fleet, settings).model
    rows = fleet.windows.slice(0, 1)
    for name in ("battery__voltage__mean__2m", "battery__voltage__min__2m"):
        volts = np.linspace(15, 30, 40)
        many = pa.concat_tables([rows] * 40)
        many = many.set_column(many.column_names.index(name), name, pa.array(volts))
        assert (np.diff(model.predict(many, fleet.facts)) <= 1e-12).all()
    with pytest.raises(DataError, match="a category rises or falls with nothing"):
        run(fleet, make_settings(monotone={"state__*": 1}))


def test_a_budget_is_priced(fleet: Any, make_settings: Callable[..., TrainSettings]) -> None:
    settings = make_settings(cost_of_false_alarm=10.0, cost_of_missed_failure=100.0, rounds=20)
    part = run(fleet, settings).evaluation.by_time
    days = part.model.rows.rows / 12 / 1440
    for point in part.budget:
        assert point.caught_per_day is not None
        assert point.recall is not None
        assert point.false_alarms_per_robot_day is not None
        missed = part.model.episodes.episodes * (1 - point.recall)
        false = point.false_alarms_per_robot_day * days * 12
        assert point.cost_per_day == pytest.approx((10 * false + 100 * missed) / days, rel=0.02)


def test_a_planted_failure_code_is_named(fleet: Any, make_settings: Callable[..., TrainSettings]) -> None:
    """The code of the coming failure, known only afterwards, among the features."""
    label = run(fleet, make_settings(rounds=5)).test["label"].to_pylist()
    assert any(label)
    soon = fleet.failures[TS].to_numpy().astype("int64")
    of = np.array(fleet.failures[ROBOT].to_pylist())
    robots = np.array(fleet.windows[ROBOT].to_pylist())
    cutoffs = fleet.windows["cutoff"].to_numpy().astype("int64")
    lead, horizon = 120 * 10**9, 1800 * 10**9
    ahead = np.zeros(len(cutoffs), dtype=bool)
    for robot, at in zip(of, soon, strict=True):
        ahead |= (robots == robot) & (cutoffs + lead <= at) & (at < cutoffs + lead + horizon)
    codes = pa.array(np.where(ahead, "stall", "none"))
    leaking = type(fleet)(
        fleet.windows.append_column("error__code__last", codes), fleet.failures, fleet.facts
    )
    with pytest.raises(
        DataError, match=r"gives the label away; got: error__code__last \(its values are failure codes"
    ):
        run(leaking, make_settings())
