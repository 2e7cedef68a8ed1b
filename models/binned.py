"""Rows are binned once: most of what a short training costs is LightGBM finding the bins of its features.

A binned data set is kept under a hash of all it depends on, so the same data version is never binned twice
and a kept one gives the same trees, byte for byte, as binning anew. Labels and weights are set afterwards.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    import lightgbm

CACHE_VARIABLE: Final = "FOREWARN_CACHE"
KEPT_BYTES: Final = 2**30


def rows_of(
    matrix: NDArray[np.float32], rows: NDArray[np.int64], columns: Sequence[int], names: Sequence[str]
) -> pa.Table:
    """Some rows and columns of the matrix as float32 columns; NaN is missing, as LightGBM reads it."""
    return pa.table([pa.array(matrix[rows, column]) for column in columns], names=list(names))


def binned(table: pa.Table, categorical: Sequence[int], parameters: dict[str, Any]) -> "lightgbm.Dataset":
    """The rows as LightGBM trains on them, from the folder `$FOREWARN_CACHE` names where they are kept.

    `categorical` are places of columns, `parameters` those of the training. A kept file whose bytes are not
    what was written is binned anew; a folder that cannot be written is done without.
    """
    import lightgbm

    folder = Path(os.environ[CACHE_VARIABLE]) if os.environ.get(CACHE_VARIABLE) else None
    key = "" if folder is None else _key(table, categorical, parameters, lightgbm.__version__)
    if folder is not None:
        kept = _kept(folder, key)
        if kept is not None:
            return lightgbm.Dataset(
                str(kept), categorical_feature=list(categorical), params=parameters
            ).construct()
    made = lightgbm.Dataset(
        table, categorical_feature=list(categorical), params=parameters, free_raw_data=True
    ).construct()
    if folder is not None:
        _keep(made, folder, key)
    return made


def _key(table: pa.Table, categorical: Sequence[int], parameters: dict[str, Any], version: str) -> str:
    """The hash of what the bins depend on; of the parameters that is the seed, by which rows are sampled."""
    told = [version, parameters["seed"], table.column_names, list(categorical), table.num_rows]
    digest = hashlib.sha256(json.dumps(told).encode())
    for column in table.columns:
        digest.update(column.to_numpy().tobytes())
    return digest.hexdigest()[:32]


def _kept(folder: Path, key: str) -> Path | None:
    for path in folder.glob(f"{key}-*.bin"):
        try:
            if path.stem == f"{key}-{_sum(path)}":
                path.touch()
                return path
            path.unlink(missing_ok=True)
        except OSError:
            continue
    return None


def _keep(made: "lightgbm.Dataset", folder: Path, key: str) -> None:
    """Write whole or not at all, then drop the files unused for longest beyond the room there is."""
    waiting = folder / f"{uuid.uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        waiting.touch()
        waiting.unlink()
        made.save_binary(str(waiting))
        waiting.replace(folder / f"{key}-{_sum(waiting)}.bin")
        room = KEPT_BYTES
        for path in sorted(folder.glob("*.bin"), key=lambda path: -path.stat().st_mtime):
            room -= path.stat().st_size
            if room < 0:
                path.unlink(missing_ok=True)
    except OSError:
        waiting.unlink(missing_ok=True)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
