"""Step score: calibrated risk at every cut-off of a robot-day, why and what it resembles where it matters."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema import CUTOFF, IS_FAILURE_CUTOFF, ROBOT, TIMESTAMP
from models import artifact
from models.drift import counted
from models.explain import reasons
from models.similar import similar
from pipelines.steps.facts import read_facts
from pipelines.steps.files import parquet_files, read_settings, read_table, run, write_table


def main(pfs: Path) -> None:
    """Read `windows` of one robot-day, the `model` and `facts`; write risk, reasons, cases, counts."""
    settings, out = read_settings(pfs, "score"), pfs / "out"
    model = artifact.load(pfs / "model" / "model")
    facts = read_facts(pfs / "facts")
    folder = pfs / "windows" / "windows"
    for path in parquet_files(folder):
        stream, failed = apart(read_table(path))
        matrix = model.matrix(stream, facts)
        risk = model.risk(matrix)
        hot = risk >= model.threshold
        name = path.relative_to(folder)
        scored = pa.table(
            {
                ROBOT: stream.column(ROBOT),
                CUTOFF: stream.column(CUTOFF),
                "risk": pa.array(risk, pa.float64()),
                "alert": pa.array(hot, pa.bool_()),
            }
        )
        write_table(scored, out / "risk" / name)
        cutoff = _ns(stream)
        rows = told(risk, hot, np.searchsorted(cutoff, failed, side="right") - 1)
        asked, read = stream.select([ROBOT, CUTOFF]).take(pa.array(rows)), matrix[rows]
        write_table(reasons(model, asked, read, most=settings["reasons"]), out / "reasons" / name)
        write_table(similar(model, asked, read), out / "similar" / name)
        write_table(counted(model, matrix, risk, cutoff), out / "watch" / name)


def apart(windows: pa.Table) -> tuple[pa.Table, NDArray[np.int64]]:
    """The windows of the stream, and the cut-offs (ns) before failures.

    The latter are written last, so the former are a slice: a filter would copy every feature.
    """
    flags = windows.column(IS_FAILURE_CUTOFF)
    failed = _ns(windows.select([CUTOFF]).filter(flags))
    stream = windows.slice(0, windows.num_rows - len(failed))
    if pc.any(stream.column(IS_FAILURE_CUTOFF)).as_py():
        stream = windows.filter(pc.invert(flags))
    return stream, failed


def told(risk: NDArray[np.float64], hot: NDArray[np.bool_], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows that are explained: the peak, the latest, each rise to the threshold, and `last`.

    `last` are the rows just before failures, -1 where there is none.
    """
    if not len(risk):
        return np.empty(0, np.int64)
    rises = np.flatnonzero(hot & ~np.concatenate([[False], hot[:-1]]))
    return np.unique(np.concatenate([rises, last[last >= 0], [int(np.argmax(risk)), len(risk) - 1]])).astype(
        np.int64
    )


def _ns(stream: pa.Table) -> NDArray[np.int64]:
    return np.asarray(stream.column(CUTOFF).cast(TIMESTAMP).cast(pa.int64()).to_numpy(), np.int64)


if __name__ == "__main__":
    run(main)
