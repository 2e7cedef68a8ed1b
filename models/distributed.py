"""Data larger than one machine's memory: the same trees grown by LightGBM's data-parallel learner on Dask.

Each piece is loaded where it is used and never gathered. The trees differ from those of one machine in the
last digits (histograms are summed in another order), so they are close, not equal.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import DataError, UsageError
from models.dataset import Flags
from models.encode import Encoding
from models.learner import Grown, Matrix, never_missing, parameters
from models.settings import TrainSettings

if TYPE_CHECKING:
    import distributed

Piece = Callable[[], tuple[Matrix, Flags]]
_SAMPLE = 10_000
_PATIENCE = 10


def grow_on(
    client: "distributed.Client",
    pieces: Sequence[Piece],
    encoding: Encoding,
    settings: TrainSettings,
    *,
    rounds: int,
) -> Grown:
    """Boosted trees from all rows of `pieces`, `rounds` of them (no early stopping, no thinning).

    A piece, called on a worker, returns a float32 matrix (rows × the features of `encoding`) and its labels;
    it must be picklable and give the same rows each time. Raises `DataError` without pieces.
    """
    import dask
    import dask.array as da
    from lightgbm import DaskLGBMClassifier

    if not pieces:
        raise DataError("nothing to train on", got="no pieces")
    width = len(encoding.features)
    loaded = [dask.delayed(piece, pure=False, nout=2)() for piece in pieces]
    loaded = client.persist(loaded)
    sizes, samples = zip(
        *client.gather(client.compute([dask.delayed(_sampled)(piece) for piece in loaded])), strict=True
    )
    rows = [
        da.from_delayed(dask.delayed(_part)(piece, 0), (size, width), dtype=np.float32)
        for piece, size in zip(loaded, sizes, strict=True)
    ]
    label = [
        da.from_delayed(dask.delayed(_part)(piece, 1), (size,), dtype=np.int8)
        for piece, size in zip(loaded, sizes, strict=True)
    ]
    columns = tuple(range(width))
    known = parameters(settings, encoding, columns)
    for taken in ("objective", "metric", "num_threads", "seed"):
        known.pop(taken)
    learner = DaskLGBMClassifier(
        client=client,
        n_estimators=rounds,
        random_state=settings.seed,
        tree_learner="data",
        categorical_feature=[i for i, name in enumerate(encoding.features) if name in encoding.categories],
        **known,
    )
    learner.fit(da.concatenate(rows), da.concatenate(label))
    categorical = [name in encoding.categories for name in encoding.features]
    usual = never_missing(np.concatenate(samples).T, categorical)
    return Grown(learner.booster_.model_to_string(), rounds, 0.0, columns, usual)


def grow_at(settings: TrainSettings, matrix: Matrix, label: Flags, encoding: Encoding, *, rounds: int) -> str:
    """LightGBM text of trees grown by the workers of `settings.scheduler` from rows held here.

    The rows are dealt in as many pieces as there are workers. Raises `UsageError` when nobody answers.
    """
    import distributed

    try:
        client = distributed.Client(settings.scheduler, timeout=_PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            "no Dask scheduler answers", got=settings.scheduler, hint="start one with: dask scheduler"
        ) from error
    with client:
        count = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        rows = np.array_split(np.arange(len(matrix)), count)
        pieces = [partial(_held, matrix[part], label[part]) for part in rows if len(part)]
        return grow_on(client, pieces, encoding, settings, rounds=rounds).text


def _held(matrix: Matrix, label: Flags) -> tuple[Matrix, Flags]:
    return matrix, label


def _part(piece: tuple[Matrix, Flags], index: int) -> Any:
    return piece[index] if index == 0 else piece[index].astype(np.int8)


def _sampled(piece: tuple[Matrix, Flags]) -> tuple[int, Matrix]:
    """Rows of a piece, and every n-th of them with a missing value kept in any column that has one."""
    matrix = piece[0]
    sample = matrix[:: max(1, -(-len(matrix) // _SAMPLE))].copy()
    if len(sample):
        sample[0, np.isnan(matrix).any(axis=0)] = np.nan
    return len(matrix), sample
