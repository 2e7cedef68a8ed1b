"""Checked records of one stream, as arrays: what the final table is put together from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows in input order: robot `names[codes[i]]`, times in ns (`ts` None for facts without time).

    `recv` is None for streams without arrival time, and its value is meaningless where `known` is false.
    """

    places: Ints
    names: tuple[str, ...]
    codes: Ints
    ts: Ints | None
    recv: Ints | None
    known: npt.NDArray[np.bool_] | None
    columns: tuple[pa.Array, ...]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def nbytes(self) -> int:
        """How much memory its arrays take."""
        arrays = (self.places, self.codes, self.ts, self.recv, self.known)
        return sum(array.nbytes for array in (*arrays, *self.columns) if array is not None)

    def of_robots(self) -> "Part":
        """The same rows, with the names of their robots only."""
        kept, codes = np.unique(self.codes, return_inverse=True)
        return replace(self, names=tuple(self.names[code] for code in kept.tolist()), codes=codes)

    def take(self, rows: npt.NDArray[Any]) -> "Part":
        """Some rows, by position or by flag."""
        positions = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        chosen = pa.array(positions)
        return Part(
            self.places[positions],
            self.names,
            self.codes[positions],
            None if self.ts is None else self.ts[positions],
            None if self.recv is None else self.recv[positions],
            None if self.known is None else self.known[positions],
            tuple(column.take(chosen) for column in self.columns),
        )


def concatenate(parts: list[Part]) -> Part:
    """All rows of parts of one stream, in the order they stood in the input."""
    names = sorted({name for part in parts for name in part.names})
    code = {name: index for index, name in enumerate(names)}
    codes = [
        part.codes
        if part.names == tuple(names)
        else np.array([code[name] for name in part.names], np.int64)[part.codes]
        for part in parts
    ]
    whole = Part(
        _joined([part.places for part in parts]),
        tuple(names),
        _joined(codes),
        _joined_if([part.ts for part in parts]),
        _joined_if([part.recv for part in parts]),
        _joined_if([part.known for part in parts]),
        tuple(pa.concat_arrays(columns) for columns in zip(*(part.columns for part in parts), strict=True)),
    )
    if (np.diff(whole.places) < 0).any():
        whole = whole.take(np.argsort(whole.places, kind="stable"))
    return whole


def _joined(arrays: Sequence[npt.NDArray[Value]]) -> npt.NDArray[Value]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _joined_if(arrays: Sequence[npt.NDArray[Value] | None]) -> npt.NDArray[Value] | None:
    found = [array for array in arrays if array is not None]
    return _joined(found) if found else None
