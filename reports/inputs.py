"""What a report is made of: one frozen value, with the columns of every table written down once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec
import pyarrow as pa

from features.errors import DataError
from features.operation import OPERATION
from features.quality import CORRECTIONS
from features.schema import CUTOFF, FAILURES, REASON, ROBOT, TIMESTAMP
from models import similar
from models.drift import COUNTS
from models.evaluate import Evaluation
from models.explain import REASONS
from reports.durations import parse
from reports.missing import NOTHING, Missing

RISK: Final = pa.schema(
    [(ROBOT, pa.string()), (CUTOFF, TIMESTAMP), ("risk", pa.float64()), ("alert", pa.bool_())]
)
COUNTED: Final = pa.schema([(REASON, pa.string()), ("count", pa.int64())])
ACCOUNTING: Final = pa.schema(
    [("source", pa.string()), ("unit", pa.string()), ("stream", pa.string()), (ROBOT, pa.string())]
    + [(name, pa.int64()) for name in ("received", "accepted", "duplicates", "quarantined")]
)
QUARANTINE: Final = pa.schema(
    [
        ("source", pa.string()),
        ("member", pa.string()),
        ("line", pa.int64()),
        ("stream", pa.string()),
        (ROBOT, pa.string()),
        (REASON, pa.string()),
        ("detail", pa.string()),
        ("raw", pa.binary()),
    ]
)
JOIN_QUALITY: Final = pa.schema(
    [
        (ROBOT, pa.string()),
        ("day", pa.string()),
        ("stream", pa.string()),
        ("anchors", pa.int64()),
        ("matched", pa.int64()),
        ("distance_median_s", pa.float64()),
        ("distance_p95_s", pa.float64()),
        ("duplicates", pa.int64()),
        ("superseded", pa.int64()),
    ]
)
DEPENDENCE: Final = pa.schema([("feature", pa.string()), ("value", pa.string()), ("risk", pa.float64())])
FACTS: Final = pa.schema([(ROBOT, pa.string())])


@dataclass(frozen=True)
class ReportInputs:
    """Everything a report speaks of, as the pipeline's steps wrote it.

    `settings` is the report's slice of `forewarn.toml`: `project` (`name`), `report` (`title`, `rank_by`,
    `reasons`, `alerts_per_robot_day`, `refractory`), `labels` (`windows`, `lead`, `horizon`, `episode_gap`)
    and `clock` (`beyond`, `correct`), durations as text (`42s`). Tables have the columns of this module's
    schemas (`facts`: `robot_id` and one column a fact; `join_quality` as `features.quality.match_report`
    counts, a row a robot-day and stream; `clocks` as `reports.clocks.clocks` wants them; `operation` as
    `features.operation.operation`, `similar` as `models.similar.similar`, `watch` as `models.drift.counted`,
    `dependence` as `models.dependence.dependence` with the feature's name); a missing column counts as null
    and a table without columns as empty. `risk` is the calibrated probability that an episode starts in
    `[cutoff + lead, cutoff + lead + horizon)`. `evaluation` is `models.evaluate.Evaluation` as JSON values
    and `card` the model's card; both are empty when there is no model. `provenance` names the commit each
    input was read from. `verdicts` are what people said of the alerts they closed: true, false alarm or
    repaired. `missing` is what datums that failed for good left out.
    """

    settings: Mapping[str, Any]
    risk: pa.Table
    reasons: pa.Table
    similar: pa.Table
    watch: pa.Table
    dependence: pa.Table
    failures: pa.Table
    excluded: pa.Table
    evaluation: Mapping[str, Any]
    card: Mapping[str, Any]
    accounting: pa.Table
    quarantine: pa.Table
    join_quality: pa.Table
    clocks: pa.Table
    operation: pa.Table
    facts: pa.Table
    provenance: Mapping[str, str]
    verdicts: Sequence[str] = ()
    missing: Missing = NOTHING

    def conformed(self) -> "ReportInputs":
        """The same inputs with every table in its schema. Raises DataError where a column cannot be read."""
        return ReportInputs(
            settings=self.settings,
            risk=conform(self.risk, RISK, "risk"),
            reasons=conform(self.reasons, REASONS, "reasons"),
            similar=conform(self.similar, similar.SCHEMA, "similar"),
            watch=conform(self.watch, COUNTS, "watch"),
            dependence=conform(self.dependence, DEPENDENCE, "dependence"),
            failures=conform(self.failures, FAILURES, "failures"),
            excluded=conform(self.excluded, COUNTED, "excluded"),
            evaluation=self.evaluation,
            card=self.card,
            accounting=conform(self.accounting, ACCOUNTING, "accounting"),
            quarantine=conform(self.quarantine, QUARANTINE, "quarantine"),
            join_quality=conform(self.join_quality, JOIN_QUALITY, "join_quality"),
            clocks=conform(self.clocks, CORRECTIONS, "clocks"),
            operation=conform(self.operation, OPERATION, "operation"),
            facts=self.facts if ROBOT in self.facts.column_names else FACTS.empty_table(),
            provenance=self.provenance,
            verdicts=self.verdicts,
            missing=self.missing,
        )

    def duration(self, section: str, name: str) -> timedelta:
        """A duration of the settings. Raises DataError naming the key when it cannot be read."""
        return parse(self.settings[section][name], f"{section}.{name}")

    @property
    def windows(self) -> tuple[timedelta, ...]:
        """The look-back windows, shortest first."""
        return tuple(sorted(parse(text, "labels.windows") for text in self.settings["labels"]["windows"]))

    @property
    def judged(self) -> Evaluation | None:
        """The evaluation as a value; None when there is no model. Raises DataError when it does not fit."""
        if not self.evaluation:
            return None
        try:
            return msgspec.convert(self.evaluation, Evaluation)
        except msgspec.ValidationError as error:
            raise DataError(
                "the evaluation does not fit", got=str(error), hint="run the train step again"
            ) from error


def conform(table: pa.Table, schema: pa.Schema, name: str) -> pa.Table:
    """The columns of `schema`, cast to its types, or DataError; those the table lacks are null."""
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        try:
            columns.append(table.column(field.name).cast(field.type).combine_chunks())
        except pa.ArrowException as error:
            raise DataError(
                f"column {field.name} of {name} cannot be read", got=error, expected=field.type
            ) from error
    return pa.table(columns, schema=schema)
