"""What every learner is taught by: windows and failures, with what people said of alerts taken in.

Training, `forewarn tune` and `forewarn sweep` read them here, so that all three know the same labels.
"""

from pathlib import Path

import pyarrow as pa

from features.schema import FAILURES
from models.settings import TrainSettings
from models.verdicts import Judged, judged
from pipelines.steps.files import parquet_files, read_tables, read_verdicts


def labelled(windows: pa.Table, folder: Path, settings: TrainSettings) -> Judged:
    """`windows` with `failures` and the verdicts of `labels` below the folder.

    The lead of `settings` is the one alerts went out with, its look-back that of the windows. Raises
    DataError for a verdict that cannot be read.
    """
    return judged(
        windows,
        read_tables(parquet_files(folder / "failures"), FAILURES),
        read_verdicts(folder / "labels"),
        lead=settings.lead,
        horizon=settings.horizon,
        lookback=settings.lookback,
    )
