"""The messages a robot's number goes back to, found in the pushed files by reading them as they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from pipelines.client import Pachd


@dataclass(frozen=True)
class Span:
    """A robot's records of the `seconds` up to `end` (ISO 8601, UTC), which is included."""

    robot: str
    end: str
    seconds: float

    @property
    def nanoseconds(self) -> tuple[int, int]:
        """Start, excluded, and end, since the epoch."""
        end = int(np.datetime64(self.end.removesuffix("Z"), "ns").astype(np.int64))
        return end - max(1, round(self.seconds * 1e9)), end


def messages_behind(
    pachd: Pachd, rows: Sequence[Mapping[str, Any]], span: Span, number: int
) -> list[dict[str, Any]]:
    """The last `number` messages of the span in the pushed files among `rows` (see `lineage.trace_back`).

    Every file is read with the configuration that the datum was run with.
    """
    from pipelines.logs.extract import ExtractSettings
    from pipelines.logs.find import find_messages, in_order
    from pipelines.steps.units import units

    start, end = span.nanoseconds
    found = []
    for row in rows if number else ():
        if row.get("pipeline") != "extract":
            continue
        commits = {given["repo"]: given for given in row["inputs"]}
        value = msgspec.json.decode(pachd.read("config", "/extract.json", commits["config"]["commit"]))
        settings = ExtractSettings.from_json(value)
        logs = commits["logs"]
        with TemporaryDirectory() as scratch:
            pachd.download("logs", logs["path"], Path(scratch), logs["commit"])
            for file, _ in units(Path(scratch), folders=settings.logs.unit == "folder"):
                pushed_as = _pushed_as(logs["path"], file, Path(scratch))
                found += find_messages(file, pushed_as, settings, robot=span.robot, start=start, end=end)
    return [
        msgspec.to_builtins(message) | {"ts": f"{np.datetime64(message.ts, 'ns')}Z"}
        for message in in_order(found)[-number:]
    ]


def _pushed_as(input_path: str, file: Path, scratch: Path) -> str:
    """Where a downloaded file stands in the repo: downloads keep the whole path, or begin at the input."""
    relative = PurePosixPath(file.relative_to(scratch).as_posix())
    whole = PurePosixPath(input_path.lstrip("/"))
    if relative.is_relative_to(whole):
        return f"/{relative}"
    return f"/{whole.parent / relative}"
