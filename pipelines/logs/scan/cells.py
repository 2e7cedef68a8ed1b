"""A column of scanned cells: looked at as arrays where all are alike, as Python values where they are not."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from pipelines.logs.scan.tree import FALSE, FLOAT, INT, MISSING, NULL, STRING, TRUE, Ints

CONSTANTS = {MISSING: None, NULL: None, FALSE: False, TRUE: True}


@dataclass(frozen=True, eq=False)
class Cells:
    """One cell a row: its kind, and its value as the kind says (see `Arena`)."""

    text: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.uint8]
    values: Ints
    floats: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.kinds)

    @cached_property
    def found(self) -> frozenset[int]:
        """The kinds that occur."""
        if not len(self):
            return frozenset()
        lowest, highest = int(self.kinds.min()), int(self.kinds.max())
        if lowest == highest:
            return frozenset((lowest,))
        return frozenset(np.flatnonzero(np.bincount(self.kinds, minlength=STRING + 1)).tolist())

    @property
    def absent(self) -> npt.NDArray[np.bool_]:
        """True where there is no value."""
        return self.kinds <= NULL

    def take(self, rows: npt.NDArray[Any]) -> "Cells":
        """The cells of some rows, by position or by flag."""
        return Cells(self.text, self.kinds[rows], self.values[rows], self.floats[rows])

    def strings(self) -> pa.StringArray:
        """Arrow strings; null where the cell is none."""
        known = self.kinds == STRING
        starts = np.where(known, self.values >> 32, 0)
        sizes = np.where(known, self.values & 0xFFFFFFFF, 0)
        offsets = np.zeros(len(self) + 1, np.int32)
        np.cumsum(sizes, out=offsets[1:])
        data = _copy(self.text, starts, sizes, int(offsets[-1]))
        valid = None if known.all() else pa.array(known).buffers()[1]
        return pa.StringArray.from_buffers(len(self), pa.py_buffer(offsets), pa.py_buffer(data), valid)

    def tolist(self) -> list[Any]:
        """Python values, as a JSON parser gives them."""
        if self.found == {INT}:
            return list(self.values.tolist())
        if self.found == {FLOAT}:
            return list(self.floats.tolist())
        strings = iter(self.strings().drop_null().to_pylist()) if STRING in self.found else iter(())
        return [
            next(strings) if kind == STRING
            else value if kind == INT
            else real if kind == FLOAT
            else CONSTANTS[kind]
            for kind, value, real in zip(
                self.kinds.tolist(), self.values.tolist(), self.floats.tolist(), strict=True
            )
        ]  # fmt: skip


@njit(cache=True, nogil=True)
def _copy(text, starts, sizes, total):  # type: ignore[no-untyped-def]
    """The bytes of the strings, one after the other."""
    found = np.empty(total, np.uint8)
    at = 0
    for row in range(starts.size):
        for place in range(starts[row], starts[row] + sizes[row]):
            found[at] = text[place]
            at += 1
    return found
