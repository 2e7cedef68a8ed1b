"""Step score: calibrated risk at every cut-off of a robot-day, and why at its peak and at its end."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import CUTOFF, IS_FAILURE_CUTOFF, ROBOT
from models import artifact
from models.explain import reasons
from pipelines.steps.facts import read_facts
from pipelines.steps.files import parquet_files, read_settings, read_table, write_table


def main(pfs: Path) -> None:
    """Read `windows` of one robot-day, the `model` and `facts`; write risk and reasons."""
    settings, out = read_settings(pfs, "score"), pfs / "out"
    model = artifact.load(pfs / "model" / "model")
    facts = read_facts(pfs / "facts")
    folder = pfs / "windows" / "windows"
    for path in parquet_files(folder):
        stream = read_table(path)
        if pc.any(stream.column(IS_FAILURE_CUTOFF)).as_py():
            stream = stream.filter(pc.invert(stream.column(IS_FAILURE_CUTOFF)))
        risk = model.predict(stream, facts)
        name = path.relative_to(folder)
        scored = pa.table(
            {
                ROBOT: stream.column(ROBOT),
                CUTOFF: stream.column(CUTOFF),
                "risk": pa.array(risk, pa.float64()),
                "alert": pa.array(risk >= model.threshold, pa.bool_()),
            }
        )
        write_table(scored, out / "risk" / name)
        rows = np.array(sorted({int(np.argmax(risk)), len(risk) - 1}) if len(risk) else [], np.int64)
        write_table(reasons(model, stream, facts, rows, most=settings["reasons"]), out / "reasons" / name)
