"""A new model serves only if it is not worse than the one that serves, on the newest closed time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.artifact import Model
from models.bootstrap import Figure, figure, groups
from models.dataset import gather
from models.episodes import stream
from models.rank import Ranking
from models.settings import TrainSettings
from models.split import by_time
from models.train import Trained


@dataclass(frozen=True, slots=True)
class Contest:
    """PR-AUC of both on the challenger's test rows, their paired difference, and who serves."""

    champion: float | None
    challenger: float | None
    difference: Figure
    challenger_serves: bool
    sentence: str


def contest(
    champion: Model,
    challenger: Trained,
    windows: pa.Table,
    failures: pa.Table,
    facts: pa.Table | None,
    settings: TrainSettings,
    seen: Mapping[str, int] | None = None,
) -> Contest:
    """Judge both on the challenger's test part, the newest rows neither was trained on.

    `windows`, `failures`, `facts`, `settings` and `seen` are those the challenger was trained with. It serves
    unless the 95 % interval of its PR-AUC minus the champion's lies below zero; without failures in
    the test part nothing can be told and the champion stays. Raises `DataError` when the champion needs
    features the windows lack: then it cannot serve them either, and the challenger must.
    """
    data = gather(windows, failures, facts, settings, seen)
    split = by_time(data, settings)
    test = stream(data, split.test, settings)
    if not test.label.any():
        return Contest(
            None, None, Figure(None), False, "No failure in the newest time: the model that serves stays."
        )
    among = groups(test, settings.bootstraps, settings.seed)
    matrix = champion.encoding.matrix(data.table.take(pa.array(split.test)))
    old = Ranking.of(champion.risk(matrix), test.label, among.row, among.count)
    new = Ranking.of(challenger.test["risk"].to_numpy(), test.label, among.row, among.count)
    difference = figure(
        new.pr_auc() - old.pr_auc(), np.asarray(new.pr_auc(among.weights) - old.pr_auc(among.weights)), among
    )
    highest = difference.value if difference.high is None else difference.high
    serves = highest is not None and highest >= 0
    return Contest(
        champion=old.pr_auc(),
        challenger=new.pr_auc(),
        difference=difference,
        challenger_serves=serves,
        sentence=f"PR-AUC {new.pr_auc():.3f} against {old.pr_auc():.3f} of the model that serves, on "
        f"{len(test.episodes)} failure episodes of the newest time: the new model "
        + ("serves." if serves else "is worse and does not serve."),
    )
