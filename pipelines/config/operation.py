"""`[operation]`: what counts as work, so that reports tell availability, missions, distance and charge."""

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from pipelines.config.section import Predicate, Section, known
from pipelines.durations import Duration


class Moment(Section):
    """Moments of a stream: when its records begin to satisfy a predicate, or each that does."""

    stream: str = Field(description="whose records tell")
    when: Predicate = Field(min_length=1, description="what a record must satisfy, as in failure.on")
    edge: Literal["rising", "each"] = Field("rising", description="count its beginning, or each record")


class Distance(Section):
    """Where the distance driven comes from: a speed in m/s, or positions in m."""

    stream: str = Field(description="whose records tell")
    speed: str = Field("", description="field of the speed in m/s")
    x: str = Field("", description="field of a position in m")
    y: str = Field("", description="likewise, the other axis")

    @model_validator(mode="after")
    def _one_way(self) -> "Distance":
        if bool(self.speed) == bool(self.x and self.y) or bool(self.x) != bool(self.y):
            raise ValueError("give either speed, or both x and y")
        return self


class Level(Section):
    """A number of a stream, and what it is at 100 %."""

    stream: str = Field(description="whose records tell")
    field: str = Field(description="the field that holds it")
    full: float = Field(100.0, gt=0, description="its value at 100 %")


class OperationSection(Section):
    """`[operation]`: each key is optional; what is not given stays unknown in the report."""

    working: Moment | None = Field(None, description="holds while it works: up again after a failure")
    succeeded: Moment | None = Field(None, description="a mission ended well")
    failed: Moment | None = Field(None, description="a mission ended badly")
    intervention: Moment | None = Field(None, description="somebody had to step in")
    distance: Distance | None = Field(None, description="how far a robot drives")
    charge: Level | None = Field(None, description="the battery's charge")
    health: Level | None = Field(None, description="the battery's health, as it tells it itself")
    cohorts: tuple[str, ...] = Field(
        (), description="stream.field of texts to compare robots by, as status.site"
    )
    gap: Duration = Field(timedelta(minutes=1), description="records farther apart tell nothing of between")

    @model_validator(mode="after")
    def _missions(self) -> "OperationSection":
        if (self.succeeded is None) != (self.failed is None):
            raise ValueError("give both succeeded and failed, or neither")
        return self

    def check(self, streams: dict[str, Any]) -> None:
        """Raise ValueError where a rule names a stream, field or unit that does not fit."""
        for name in ("working", "succeeded", "failed", "intervention", "distance", "charge", "health"):
            rule = getattr(self, name)
            if rule is None:
                continue
            key = f"operation.{name}"
            known(f"{key}.stream", rule.stream, streams)
            stream = streams[rule.stream]
            if stream.kind == "facts":
                raise ValueError(f"{key}.stream must have times; {rule.stream!r} are facts")
            for field in rule.when if isinstance(rule, Moment) else _fields(rule):
                known(f"{key} field of {rule.stream}", field, stream.fields)
            for field, unit in _fields(rule).items():
                _numeric(key, field, stream.fields[field], unit)
        for name in self.cohorts:
            stream_name, _, field = name.partition(".")
            known("operation.cohorts", stream_name, streams)
            known(f"operation.cohorts field of {stream_name}", field, streams[stream_name].fields)
            if streams[stream_name].kind == "facts":
                raise ValueError(f"operation.cohorts: {name} is a fact; facts are compared anyway")


def _fields(rule: Section) -> dict[str, str]:
    """Fields of which a rule wants numbers → the unit it counts in, '' for any."""
    if isinstance(rule, Distance):
        return {rule.speed: "m/s"} if rule.speed else {rule.x: "m", rule.y: "m"}
    return {rule.field: ""} if isinstance(rule, Level) else {}


def _numeric(key: str, name: str, field: Any, unit: str) -> None:
    if field.type not in ("float", "int"):
        raise ValueError(f"{key} needs a number; {name!r} is a {field.type}")
    if unit and field.unit not in ("", unit):
        raise ValueError(f"{key} counts in {unit}; {name!r} is in {field.unit}")
