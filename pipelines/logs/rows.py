"""Raw records of one stream, column by column, as a reader found them and before anything is checked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.config import StreamSection
from pipelines.logs.scan.cells import Cells

Column = list[Any] | Cells
NO_PLACES: Final = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Origin:
    """Where a record came from, for the quarantine."""

    raw: bytes
    member: str = ""
    line: int | None = None
    offset: int | None = None


@dataclass
class Rows:
    """Records of one stream in the order they stand in the input.

    `places` orders them among all records of the file. `robots` is a column or, for all rows, one id (None:
    unknown). `text` tells that values come from a table without types, where numbers may be strings.
    """

    name: str
    spec: StreamSection
    places: npt.NDArray[np.int64] = field(default_factory=lambda: NO_PLACES)
    robots: Column | str | None = None
    times: Column = field(default_factory=list)
    recv: Column = field(default_factory=list)
    fields: dict[str, Column] = field(default_factory=dict)
    text: bool = False
    origin: Callable[[int], Origin] = lambda _row: Origin(b"")

    def __len__(self) -> int:
        return len(self.places)
