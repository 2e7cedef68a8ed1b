"""Training on a Dask cluster against the same training on one machine, without random draws in either."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from features.errors import DataError
from models.dataset import gather
from models.distributed import grow_on
from models.encode import Encoding
from models.learner import grow
from models.rank import Ranking
from models.split import Split
from models.train import train


def piece(matrix: Any, label: Any) -> tuple[Any, Any]:
    return matrix, label


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_learns_what_one_machine_learns(fleet: Any, make_settings: Callable[..., Any]) -> None:
    distributed = pytest.importorskip("distributed")
    settings = make_settings(rounds=30, extra_trees=False, feature_fraction=1.0)
    data = gather(fleet.windows, fleet.failures, fleet.facts, settings)
    encoding = Encoding.learn(data.table)
    matrix = encoding.matrix(data.table)
    every = np.arange(len(data))
    alone = grow(data, matrix, Split("by time", every, every[:0], every[:0]), encoding, settings, rounds=30)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        rows = np.array_split(every, 4)
        pieces = [partial(piece, matrix[part], data.label[part]) for part in rows]
        together = grow_on(client, pieces, encoding, settings, rounds=30)
        with pytest.raises(DataError, match="nothing to train on"):
            grow_on(client, [], encoding, settings, rounds=30)
        whole = train(
            fleet.windows,
            fleet.failures,
            None,
            {},
            replace(settings, scheduler=cluster.scheduler_address),
            provenance={},
            units={},
        )
    single = train(fleet.windows, fleet.failures, None, {}, settings, provenance={}, units={})
    figures = [made.evaluation.by_time.model.rows.pr_auc.value for made in (single, whole)]
    assert figures[1] == pytest.approx(figures[0], abs=0.05)
    found = [Ranking.of(grown.score(matrix), data.label).pr_auc() for grown in (alone, together)]
    assert found[1] == pytest.approx(found[0], abs=0.02)
    assert together.usual == pytest.approx(alone.usual, abs=0.05, nan_ok=True)
