"""`forewarn.toml`: everything forewarn must be told about a fleet, checked before anything runs.

A mistake in the file is an error that names the key and the fix; nothing is guessed and unknown keys are
refused. `Config.step_files` cuts the file into the part each pipeline step depends on, so that changing
`[report]` does not re-run the extraction.
"""

import difflib
import tomllib
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.errors import DataError, NotFoundError
from models.settings import TrainSettings
from pipelines.durations import Duration, format_duration

CONFIG_NAME: Final = "forewarn.toml"
DAY: Final = timedelta(days=1)
NAME: Final = r"^[A-Za-z][A-Za-z0-9_]*$"

TimeUnit = Literal["s", "ms", "us", "ns", "iso8601"]
Direction = Literal["nearest", "backward", "forward"]
Predicate = dict[str, Any]


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are never changed after."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProjectSection(Section):
    """`[project]`: what the reports are titled with."""

    name: str = "fleet"


class RobotSection(Section):
    """`[logs.robot]`: where the robot id is: in the file's path, in the data, or the same for all."""

    path: str | None = Field(None, description="regular expression on the pushed path, with a group 'robot'")
    field: str | None = Field(None, description="dotted path or column in the record ('$.' = message root)")
    constant: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "RobotSection":
        if sum(value is not None for value in (self.path, self.field, self.constant)) != 1:
            raise ValueError("give exactly one of path, field or constant")
        if self.path is not None and "(?P<robot>" not in self.path:
            raise ValueError(f"path needs a group named robot, such as '(?P<robot>[^/]+)'; got {self.path!r}")
        return self


class LimitsSection(Section):
    """`[logs.limits]`: what an archive or a message may hold before it goes to quarantine."""

    entries: int = Field(1_000_000, gt=0)
    entry_bytes: int = Field(64 << 20, gt=0)
    total_bytes: int = Field(4 << 30, gt=0)
    compression_ratio: float = Field(1_000.0, gt=1)
    nesting: int = Field(64, gt=0, description="depth of JSON")
    raw_bytes: int = Field(4_096, ge=0, description="of a refused record kept in quarantine; a hash beyond")
    earliest: str = "2000-01-01T00:00:00Z"
    latest: str = "2100-01-01T00:00:00Z"


class LogsSection(Section):
    """`[logs]`: what is pushed, and how it is cut into datums."""

    glob: str = "/*/*"
    partition: Literal["day", "all"] = "day"
    robot: RobotSection = RobotSection(path=r"(?P<robot>[^/]+?)(\.[a-z0-9.]+)?$")
    limits: LimitsSection = LimitsSection()


class FieldSection(Section):
    """`[streams.<name>.fields]`: one field: type, unit, where it stands, the states it may take."""

    type: Literal["float", "int", "bool", "string"]
    unit: str = ""
    source: str = Field("", description="dotted path or column when it differs from the field's name")
    states: tuple[str, ...] = ()


def _field(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


FieldName = Annotated[str, Field(pattern=NAME)]
FieldSpec = Annotated[FieldSection, BeforeValidator(_field)]


class StreamSection(Section):
    """`[streams.<name>]`: one source of a robot with its own clock."""

    kind: Literal["samples", "events", "facts"] = "samples"
    files: str = Field("*", description="shell pattern on the pushed path or its last part")
    path: str = Field("", description="dotted path of the record or list of records in a message; '' = root")
    topic: str = Field("", description="MCAP or bag topic, ULog message name")
    sheet: str = Field("", description="sheet of a workbook; '' = the first")
    pairs: bool = Field(False, description="the record is a list of {key, value}, value a JSON string")
    robot: RobotSection | None = None
    time: str | None = None
    unit: TimeUnit = "ms"
    time_zone: str = Field("", description="IANA zone of ISO times that carry no offset; '' refuses them")
    recv: str | None = None
    recv_unit: TimeUnit | None = None
    where: Predicate = {}
    on_change: str = Field("", description="keep only records where this field differs from the one before")
    tolerance: Duration = timedelta(seconds=2.5)
    direction: Direction | None = None
    fields: dict[FieldName, FieldSpec] = {}

    @model_validator(mode="after")
    def _complete(self) -> "StreamSection":
        if self.on_change:
            _known("on_change", self.on_change, self.fields)
        if self.kind == "facts":
            return self
        if self.time is None:
            raise ValueError(f'{self.kind} need a time field: add time = "ts" and unit = "ms"')
        if self.unit == "iso8601" and self.recv is not None and self.recv_unit is None:
            raise ValueError("recv needs recv_unit")
        return self


class JoinSection(Section):
    """`[join]`: the anchor whose clock the observations follow: a stream, or a fixed grid."""

    anchor: str | None = None
    every: Duration | None = None
    direction: Direction = "nearest"

    @model_validator(mode="after")
    def _one_clock(self) -> "JoinSection":
        if (self.anchor is None) == (self.every is None):
            raise ValueError('give either anchor = "<stream>" or every = "<duration>"')
        return self


class FailureRule(Section):
    """`[[failure.on]]`: one way to fail: a predicate on the records of a stream."""

    stream: str
    when: Predicate = {}
    edge: Literal["rising", "each"] = "rising"
    code: str = Field("", description="the failure's name; '' = the stream's name")
    code_field: str = Field("", description="take the name from this field instead")


class FailureSection(Section):
    """`[failure]`: what counts as a failure, and when two are one episode."""

    on: tuple[FailureRule, ...] = Field(min_length=1)
    episode_gap: Duration = timedelta(minutes=5)


Statistic = Literal[
    "count", "mean", "std", "min", "max", "first", "last", "slope", "p10", "p50", "p90", "changes", "share"
]


class LookbackSection(Section):
    """`[lookback]`: the windows before a cut-off, and the time after it a failure is looked for."""

    windows: tuple[Duration, ...] = (timedelta(seconds=10), timedelta(seconds=42), timedelta(minutes=2))
    statistics: tuple[Statistic, ...] = (
        "count", "mean", "std", "min", "max", "last", "slope", "p50", "changes", "share",
    )  # fmt: skip
    exclude: tuple[str, ...] = Field((), description="columns or streams that make no features")
    lead: Duration = timedelta(0)
    horizon: Duration = timedelta(minutes=10)
    every: Duration = timedelta(seconds=30)
    min_coverage: float = Field(0.0, ge=0, le=1)
    expected_every: Duration | None = None
    event_cap: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _possible(self) -> "LookbackSection":
        if not self.windows or min(self.windows) <= timedelta(0):
            raise ValueError("windows must be one or more durations above 0s")
        if len(set(self.windows)) != len(self.windows):
            raise ValueError("windows are listed twice")
        if self.horizon <= timedelta(0):
            raise ValueError("horizon must be above 0s: a failure is looked for in [c+lead, c+lead+horizon)")
        if self.every <= timedelta(0):
            raise ValueError("every must be above 0s")
        if self.min_coverage > 0 and self.expected_every is None:
            raise ValueError("min_coverage needs expected_every, the usual time between observations")
        return self

    @property
    def reach(self) -> timedelta:
        """How far before an episode's start its look-back windows begin."""
        return self.lead + max(self.windows)


LEARNER: Final[dict[str, Any]] = {setting.name: setting.default for setting in fields(TrainSettings)}


class TrainSection(Section):
    """`[train]`: how the classifier is trained and judged."""

    seed: int = LEARNER["seed"]
    test_share: float = Field(LEARNER["test_share"], gt=0, lt=0.5)
    validation_share: float = Field(LEARNER["validation_share"], gt=0, lt=0.5)
    negatives_per_positive: float | None = Field(LEARNER["negatives_per_positive"], gt=0)
    rounds: int = Field(LEARNER["rounds"], gt=0)
    learning_rate: float = Field(LEARNER["learning_rate"], gt=0, le=1)
    num_leaves: int = Field(LEARNER["num_leaves"], ge=2)
    min_data_in_leaf: int = Field(LEARNER["min_data_in_leaf"], ge=1)
    min_episodes: int = Field(LEARNER["min_episodes"], ge=1)
    baseline: tuple[str, ...] = Field((), description="feature prefixes of a declared baseline model")
    trusted: tuple[str, ...] = Field((), description="features that tell the classes apart and are no leak")


class ReportSection(Section):
    """`[report]`: what the report shows and when a robot raises an alert."""

    title: str = ""
    rank_by: Literal["day", "now"] = "day"
    reasons: int = Field(5, ge=1, le=20)
    alerts_per_robot_day: float = Field(1.0, gt=0)
    refractory: Duration = timedelta(minutes=30)


class PipelineSection(Section):
    """`[pipelines]`: workers, where they run, and the image on a cluster."""

    workers: int = Field(2, ge=1)
    scheduler: str = Field("", description="a Dask scheduler, tcp://host:8786; '' = workers on this machine")
    image: str = "forewarn:latest"


class Config(Section):
    """The whole file."""

    project: ProjectSection = ProjectSection()
    logs: LogsSection = LogsSection()
    streams: dict[FieldName, StreamSection] = Field(min_length=1)
    join: JoinSection
    failure: FailureSection
    lookback: LookbackSection = LookbackSection()
    train: TrainSection = TrainSection()
    report: ReportSection = ReportSection()
    pipelines: PipelineSection = PipelineSection()

    @model_validator(mode="after")
    def _parts_fit(self) -> "Config":
        if self.join.anchor is not None:
            _known("join.anchor", self.join.anchor, self.streams)
            if self.streams[self.join.anchor].kind != "samples":
                raise ValueError(f"join.anchor must name a stream of samples; {self.join.anchor!r} is not")
        for rule in self.failure.on:
            _known("failure.on.stream", rule.stream, self.streams)
            stream = self.streams[rule.stream]
            for name in (*rule.when, *filter(None, [rule.code_field])):
                _known(f"failure.on field of {rule.stream}", name, stream.fields)
        if self.join.every is not None and min(self.lookback.windows) < self.join.every:
            raise ValueError(
                f"lookback.windows: {format_duration(min(self.lookback.windows))} is shorter than join.every "
                f"= {format_duration(self.join.every)}: most such windows hold no observation; lengthen it"
            )
        if self.logs.partition == "day":
            self._check_day_reach()
        return self

    def _check_day_reach(self) -> None:
        reaches = {f"streams.{name}.tolerance": stream.tolerance for name, stream in self.streams.items()}
        reaches |= {
            "lookback.lead + the longest of lookback.windows": self.lookback.reach,
            "lookback.event_cap": self.lookback.event_cap,
            "failure.episode_gap": self.failure.episode_gap,
        }
        for key, reach in reaches.items():
            if reach > DAY:
                raise ValueError(
                    f'{key} is {format_duration(reach)}, but with logs.partition = "day" at most 1d can be '
                    'reached; shorten it, or set logs.partition = "all" (one datum per robot)'
                )

    @property
    def units(self) -> dict[str, str]:
        """Unit of every observation column that has one."""
        return {
            name if stream_name == self.join.anchor else f"{stream_name}__{name}": field.unit
            for stream_name, stream in self.streams.items()
            for name, field in stream.fields.items()
            if field.unit
        }

    @property
    def step_files(self) -> dict[str, Any]:
        """Step name → the JSON value it depends on, and nothing else of the file."""
        whole = self.model_dump(mode="json")
        streams = whole["streams"]
        reach = max(self.lookback.reach, self.lookback.event_cap, self.failure.episode_gap)
        observed = {
            name: {key: stream[key] for key in ("kind", "tolerance", "direction", "on_change", "fields")}
            for name, stream in streams.items()
        }
        labels = {key: whole["lookback"][key] for key in ("windows", "lead", "horizon")}
        labels["episode_gap"] = whole["failure"]["episode_gap"]
        return {
            "extract": {"logs": {k: v for k, v in whole["logs"].items() if k != "glob"}, "streams": streams},
            "join": {
                "streams": observed,
                "join": whole["join"],
                "failure": whole["failure"]["on"],
                "partition": self.logs.partition,
                "reach": format_duration(reach),
            },
            "features": {
                "lookback": whole["lookback"],
                "episode_gap": whole["failure"]["episode_gap"],
                "states": {
                    name if stream_name == self.join.anchor else f"{stream_name}__{name}": field.states
                    for stream_name, stream in self.streams.items()
                    for name, field in stream.fields.items()
                    if field.states
                },
            },
            "train": {
                "train": whole["train"],
                "labels": labels,
                "alerts": {k: whole["report"][k] for k in ("alerts_per_robot_day", "refractory")},
                "units": self.units,
            },
            "score": {"reasons": whole["report"]["reasons"]},
            "report": {"project": whole["project"], "report": whole["report"], "labels": labels},
        }


def _known(key: str, name: str, names: dict[str, Any]) -> None:
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = (
            f"; did you mean {close[0]!r}?" if close else f"; declared: {', '.join(sorted(names)) or 'none'}"
        )
        raise ValueError(f"{key} names {name!r}, which is not declared{hint}")


def parse_config(text: str, *, name: str = CONFIG_NAME) -> Config:
    """Check the text of a `forewarn.toml`.

    Raises DataError listing every mistake with its key and the fix.
    """
    try:
        return Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{name} is not valid TOML", got=error, hint="fix the named line") from error
    except ValidationError as error:
        raise DataError(
            f"{name} has {error.error_count()} mistake(s)\n" + "\n".join(map(_explain, error.errors()))
        ) from error


def load_config(path: Path) -> Config:
    """Read and check a file. Raises NotFoundError or DataError."""
    if not path.is_file():
        raise NotFoundError(f"no {path.name} in {path.parent.resolve()}", hint="run: forewarn init")
    return parse_config(path.read_text("utf-8"), name=str(path))


def _explain(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the file"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        *section, name = error["loc"]
        known = _keys_of(section)
        close = difflib.get_close_matches(str(name), known, n=1)
        return f"  {key}: unknown key; " + (
            f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        )
    if error["type"] == "missing":
        return f"  {key}: missing; add it"
    if error["type"] == "value_error" and isinstance(error["input"], dict | str):
        return f"  {key}: {message}"
    return f"  {key}: {message}; got {str(error['input'])[:80]!r}"


def _keys_of(location: list[str | int]) -> list[str]:
    section: Any = Config
    nested = {"streams": StreamSection, "fields": FieldSection, "on": FailureRule, "robot": RobotSection}
    for part in location:
        annotation = section.model_fields[part].annotation if part in section.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, Section):
            section = annotation
        elif isinstance(part, str) and part in nested:
            section = nested[part]
    return sorted(section.model_fields)
