"""`[logs]` and `[streams]`: where the robots' records are, and how they are read."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipelines.config.section import FieldName, Predicate, Section, known
from pipelines.durations import Duration

TimeUnit = Literal["s", "ms", "us", "ns", "iso8601"]
Direction = Literal["nearest", "backward", "forward"]


class RobotSection(Section):
    """`[logs.robot]`: where the robot id is: in the file's path, in the data, or the same for all."""

    path: str | None = Field(None, description="regular expression on the pushed path, with a group 'robot'")
    field: str | None = Field(None, description="path or column in the record ('$.' = message root)")
    constant: str | None = Field(None, description="the robot of every record, where there is only one")

    @model_validator(mode="after")
    def _exactly_one(self) -> "RobotSection":
        if sum(value is not None for value in (self.path, self.field, self.constant)) != 1:
            raise ValueError("give exactly one of path, field or constant")
        if self.path is not None and "(?P<robot>" not in self.path:
            raise ValueError(f"path needs a group named robot, such as '(?P<robot>[^/]+)'; got {self.path!r}")
        return self


class LimitsSection(Section):
    """`[logs.limits]`: what an archive or a message may hold before it goes to quarantine."""

    entries: int = Field(1_000_000, gt=0, description="members of one archive")
    entry_bytes: int = Field(64 << 20, gt=0, description="of one member, unpacked")
    total_bytes: int = Field(4 << 30, gt=0, description="of one archive, unpacked")
    compression_ratio: float = Field(1_000.0, gt=1, description="unpacked over packed bytes of a member")
    nesting: int = Field(64, gt=0, description="depth of JSON")
    raw_bytes: int = Field(4_096, ge=0, description="of a refused record kept in quarantine; a hash beyond")
    earliest: str = Field("2000-01-01T00:00:00Z", description="times before it are refused")
    latest: str = Field("2100-01-01T00:00:00Z", description="times from it on are refused")


class ClockSection(Section):
    """`[logs.clock]`: robots whose clock is wrong: from when on it is told, and whether it is put right."""

    beyond: Duration = Field(
        timedelta(seconds=10), description="arrival less event time that the report calls a wrong clock"
    )
    correct: bool = Field(
        False, description="add such an offset to the event times; `clock_ts` keeps what the clock said"
    )
    settle: Duration = Field(
        timedelta(minutes=1), description="how long an offset must hold before it is believed"
    )

    @model_validator(mode="after")
    def _positive(self) -> "ClockSection":
        for name in ("beyond", "settle"):
            if not getattr(self, name):
                raise ValueError(f"clock.{name} must be above 0s")
        return self


class LogsSection(Section):
    """`[logs]`: what is pushed, and how it is cut into datums."""

    preset: str = Field("", description="what fills the keys this file does not give: inorbit or vda5050")
    glob: str = Field("/*/*", description="which pushed paths are one datum of extract (Pachyderm's glob)")
    partition: Literal["day", "all"] = Field(
        "day", description="'day': tables per robot and UTC day; 'all': one per robot, for short histories"
    )
    unit: Literal["file", "folder"] = Field(
        "file", description="'folder': files of a message each are read together, named by their folder"
    )
    robot: RobotSection = RobotSection(path=r"(?P<robot>[^/]+?)(\.[a-z0-9.]+)?$")
    limits: LimitsSection = LimitsSection()
    clock: ClockSection = ClockSection()
    lines: Literal["json", "mixed"] = Field(
        "json", description="'mixed': lines hold other text too, a message is what begins at the first '{'"
    )
    start: str = Field("", description="UTC (ISO 8601) at which a PX4 log starts; '' = by its GPS")
    redact: tuple[str, ...] = Field((), description="keys whose values are never kept, such as API keys")

    @field_validator("start")
    @classmethod
    def _instant(cls, value: str) -> str:
        if value and datetime.fromisoformat(value).tzinfo is None:
            raise ValueError(f"start needs an offset, such as 'Z'; got {value!r}")
        return value


class FieldSection(Section):
    """`[streams.<name>.fields]`: one field: type, unit, where it stands, the states it may take."""

    type: Literal["float", "int", "bool", "string"] = Field(
        description="what it is kept as; a value that is none of it is refused"
    )
    unit: str = Field("", description="shown beside numbers: V, m/s, %")
    source: str = Field(
        "",
        description="path or column when it differs from the field's name ('a.b' in quotes is one key)",
    )
    states: tuple[str, ...] = Field((), description="states whose share of a window becomes a feature")


def _field(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


FieldSpec = Annotated[FieldSection, BeforeValidator(_field)]


class StreamSection(Section):
    """`[streams.<name>]`: one source of a robot with its own clock."""

    kind: Literal["samples", "events", "facts"] = Field(
        "samples",
        description="'samples' are joined, 'events' counted, 'facts' tell a robot's site, model or firmware",
    )
    files: str = Field("*", description="shell pattern on the pushed path or its last part")
    path: str = Field("", description="path of the record or list of records in a message; '' = root")
    topic: str = Field("", description="topic of an MCAP, ROS bag or PX4 log; a shell pattern")
    sheet: str = Field("", description="sheet of a workbook; '' = the first")
    pairs: bool = Field(False, description="the record is a list of {key, value}, value a JSON string")
    robot: RobotSection | None = None
    time: str | None = Field(None, description="field of the event time")
    unit: TimeUnit = Field("ms", description="of `time`")
    decimal: Literal[".", ","] = Field(".", description="decimal mark of numbers in a table's texts")
    time_zone: str = Field("", description="IANA zone of ISO times that carry no offset; '' refuses them")
    recv: str | None = Field(None, description="field of the arrival time")
    recv_unit: TimeUnit | None = Field(None, description="of `recv`; none = that of `time`")
    clock: str = Field(
        "robot", description="whose clock `time` is of: streams that name the same one are corrected alike"
    )
    where: Predicate = Field(
        default_factory=dict, description='keep records with these values: { type = "error" }'
    )
    on_change: str = Field("", description="keep only records where this field differs from the one before")
    tolerance: Duration = Field(
        timedelta(seconds=2.5), description="longest gap bridged by the nearest-time join, inclusive"
    )
    direction: Direction | None = Field(None, description="which neighbour is joined; none = that of [join]")
    fields: dict[FieldName, FieldSpec] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _on_topic(cls, values: Any) -> Any:
        """A message on a topic has a time in any case: when it was logged."""
        if isinstance(values, dict) and values.get("topic") and values.get("kind") != "facts":
            return {"time": "@log_time"} | values
        return values

    @model_validator(mode="after")
    def _complete(self) -> "StreamSection":
        if self.on_change:
            known("on_change", self.on_change, self.fields)
        if self.kind == "facts":
            return self
        if self.time is None:
            raise ValueError(f'{self.kind} need a time field: add time = "ts" and unit = "ms"')
        if self.unit == "iso8601" and self.recv is not None and self.recv_unit is None:
            raise ValueError("recv needs recv_unit")
        return self
