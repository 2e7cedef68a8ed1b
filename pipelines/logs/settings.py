"""The extraction's slice of `forewarn.toml`, checked again: a step trusts no file it reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any
from urllib.parse import unquote

from pipelines.config import LogsSection, StreamSection


@dataclass(frozen=True)
class ExtractSettings:
    """How pushed files become streams."""

    logs: LogsSection
    streams: Mapping[str, StreamSection]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ExtractSettings":
        """From `Config.step_files["extract"]`."""
        streams = {name: StreamSection.model_validate(stream) for name, stream in value["streams"].items()}
        return cls(LogsSection.model_validate(value["logs"]), streams)

    def streams_of(self, pushed_as: str) -> dict[str, StreamSection]:
        """The streams a pushed file may hold, by their `files` pattern on its path or last part.

        A pattern may spell the path as it was pushed, or as it was before it was percent-encoded.
        """
        path = pushed_as.strip("/")
        spelled = {name for whole in (path, unquote(path)) for name in (whole, whole.rpartition("/")[2])}
        return {
            name: stream
            for name, stream in self.streams.items()
            if any(fnmatch(one, stream.files) for one in spelled)
        }
