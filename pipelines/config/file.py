"""The whole file: how its parts fit together, the slice of it each pipeline step depends on, its mistakes."""

import difflib
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError, model_validator

from features.errors import DataError, NotFoundError
from features.schema import CLOCK_TS
from pipelines.config.alerts import AlertSection, ReceiverSection, RuleSection
from pipelines.config.logs import FieldSection, LogsSection, RobotSection, StreamSection
from pipelines.config.operation import OperationSection
from pipelines.config.outcome import PipelineSection, ProjectSection, ReportSection
from pipelines.config.preset import filled
from pipelines.config.processing import (
    FailureRule,
    FailureSection,
    JoinSection,
    LookbackSection,
    TrainSection,
)
from pipelines.config.section import FieldName, Section, known
from pipelines.durations import format_duration
from pipelines.logs.paths import mentioned

CONFIG_NAME: Final = "forewarn.toml"
DAY: Final = timedelta(days=1)
PLANNED: Final = ("alerts_per_robot_day", "refractory", "shift", "alerts_per_shift", "costs")
ASKED: Final = {
    "streams": "say where each kind of record stands; forewarn inspect PATH proposes it",
    "join": "name the stream whose times the rows have ([join] anchor), or a step ([join] every)",
    "failure": 'say which records are one: [failure] on = [{ stream = "errors", when = { code = "E7" } }]',
}
HALO_STEP: Final = timedelta(minutes=10)


class Config(Section):
    """The whole file."""

    project: ProjectSection = ProjectSection()
    logs: LogsSection = LogsSection()
    streams: dict[FieldName, StreamSection] = Field(min_length=1)
    join: JoinSection
    failure: FailureSection
    lookback: LookbackSection = LookbackSection()
    train: TrainSection = TrainSection()
    operation: OperationSection = OperationSection()
    report: ReportSection = ReportSection()
    pipelines: PipelineSection = PipelineSection()
    alerts: AlertSection = AlertSection()

    @model_validator(mode="after")
    def _parts_fit(self) -> "Config":
        if self.join.anchor is not None:
            known("join.anchor", self.join.anchor, self.streams)
            if self.streams[self.join.anchor].kind != "samples":
                raise ValueError(f"join.anchor must name a stream of samples; {self.join.anchor!r} is not")
        for rule in self.failure.on:
            known("failure.on.stream", rule.stream, self.streams)
            stream = self.streams[rule.stream]
            for name in (*rule.when, *filter(None, [rule.code_field])):
                known(f"failure.on field of {rule.stream}", name, stream.fields)
        self.operation.check(self.streams)
        if self.join.every is not None and min(self.lookback.windows) < self.join.every:
            raise ValueError(
                f"lookback.windows: {format_duration(min(self.lookback.windows))} is shorter than join.every "
                f"= {format_duration(self.join.every)}: most such windows hold no observation; lengthen it"
            )
        if self.train.distributed and not self.pipelines.scheduler:
            raise ValueError("train.distributed needs pipelines.scheduler, the address of a Dask scheduler")
        if self.logs.partition == "day":
            self._check_day_reach()
        self._check_redacted()
        self._check_clock()
        return self

    def _check_clock(self) -> None:
        if not self.logs.clock.correct:
            return
        if all(stream.recv is None for stream in self.streams.values()):
            raise ValueError("logs.clock.correct needs a stream with recv: offsets are told by arrival times")
        for name, stream in self.streams.items():
            if CLOCK_TS in stream.fields:
                raise ValueError(f"streams.{name}.fields.{CLOCK_TS}: this column keeps what the clock said")

    def _check_redacted(self) -> None:
        redacted = {key.lower() for key in self.logs.redact}
        for stream_name, stream in self.streams.items():
            for name, field in stream.fields.items():
                kept = {key for key in mentioned(field.source or name) if key.lower() in redacted}
                if kept:
                    raise ValueError(
                        f"streams.{stream_name}.fields.{name} would keep {min(kept)!r}, "
                        "which logs.redact keeps out"
                    )

    def _check_day_reach(self) -> None:
        reaches = {f"streams.{name}.tolerance": stream.tolerance for name, stream in self.streams.items()}
        reaches |= {
            "lookback.lead + the longest of lookback.windows": self.lookback.reach,
            "lookback.lead + lookback.event_cap": self.lookback.lead + self.lookback.event_cap,
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
    def halo_reach(self) -> dict[str, timedelta]:
        """How much of a day's end the next day's windows are given, per table of the join's output.

        What they can reach, rounded up to ten minutes: another window length seldom changes the join.
        """
        lookback = self.lookback
        reaches = {
            "observations": lookback.reach,
            "events": max(lookback.reach, lookback.lead + lookback.event_cap),
            "failures": max(lookback.reach, self.failure.episode_gap),
        }
        return {table: -(-reach // HALO_STEP) * HALO_STEP for table, reach in reaches.items()}

    @property
    def step_files(self) -> dict[str, Any]:
        """Step name → the JSON value it depends on, and nothing else of the file.

        `writes` is the version of what the step writes: where that is no longer what a version before wrote,
        raising it lets every datum run again.
        """
        whole = self.model_dump(mode="json")
        streams = whole["streams"]
        observed = {
            name: {key: stream[key] for key in ("kind", "tolerance", "direction", "on_change", "fields")}
            for name, stream in streams.items()
        }
        labels = {key: whole["lookback"][key] for key in ("windows", "lead", "horizon")}
        labels["episode_gap"] = whole["failure"]["episode_gap"]
        return {
            "extract": {
                "writes": 2,
                "logs": {k: v for k, v in whole["logs"].items() if k not in ("glob", "preset")}
                | {"clock": whole["logs"]["clock"] if self.logs.clock.correct else {}},
                "streams": streams,
            },
            "join": {
                "streams": observed,
                "join": whole["join"],
                "failure": whole["failure"]["on"],
                "operation": whole["operation"],
                "partition": self.logs.partition,
                "reach": {table: format_duration(reach) for table, reach in self.halo_reach.items()},
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
                "alerts": {k: whole["report"][k] for k in PLANNED},
                "units": self.units,
                "scheduler": self.pipelines.scheduler if self.train.distributed else "",
            },
            "score": {"reasons": whole["report"]["reasons"]},
            "report": {
                "project": whole["project"],
                "report": whole["report"],
                "labels": labels,
                "clock": whole["logs"]["clock"],
            },
        }


def parse_config(text: str, *, name: str = CONFIG_NAME) -> Config:
    """Check the text of a `forewarn.toml`.

    Raises DataError listing every mistake with its key and the fix.
    """
    try:
        return Config.model_validate(filled(tomllib.loads(text)))
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
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text", got=error, expected="UTF-8") from error
    return parse_config(text, name=str(path))


def _explain(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        *section, name = error["loc"]
        keys = _keys_of(section)
        close = difflib.get_close_matches(str(name), keys, n=1)
        return f"  {key}: unknown key; " + (
            f"did you mean {close[0]!r}?" if close else f"known: {', '.join(keys)}"
        )
    if error["type"] == "missing":
        return f"  {key}: missing; {ASKED.get(key, 'add it')}"
    if error["type"] == "value_error" and isinstance(error["input"], dict | str):
        return f"  {key}: {message}" if key else f"  {message}"
    return f"  {key}: {message}; got {str(error['input'])[:80]!r}"


def _keys_of(location: list[str | int]) -> list[str]:
    section: Any = Config
    nested = {
        "streams": StreamSection,
        "fields": FieldSection,
        "on": FailureRule,
        "robot": RobotSection,
        "rules": RuleSection,
        "receivers": ReceiverSection,
    }
    for part in location:
        annotation = section.model_fields[part].annotation if part in section.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, Section):
            section = annotation
        elif isinstance(part, str) and part in nested:
            section = nested[part]
    return sorted(section.model_fields)
