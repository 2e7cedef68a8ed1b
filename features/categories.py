"""Statistics of the windows of a categorical column: last state, changes, shares of states."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import window_kernels
from features.columns import column
from features.spans import Presence, Valid, Windows, valid_rows
from features.statistics import Columns, at


@dataclass(frozen=True)
class Categories:
    """A categorical column in the order of the observations; `states` are texts (`true` of a bool)."""

    values: pa.Array
    states: Sequence[str] = ()

    @cached_property
    def valid(self) -> Valid:
        """The rows with a value."""
        return valid_rows(self.values.is_valid().to_numpy(zero_copy_only=False))

    @cached_property
    def codes(self) -> npt.NDArray[np.int32]:
        """A number for each value, -1 for null."""
        codes: npt.NDArray[np.int32] = self.values.dictionary_encode().indices.fill_null(-1).to_numpy()
        return codes

    def statistics(self, wanted: Collection[str], windows: Windows) -> Columns:
        """The wanted statistics, one value per cut-off, null where a window has no value.

        `share_<state>` is the share of the rows with a value that are in that state.
        """
        present = windows.presence(self.valid)
        columns: Columns = {}
        for name in wanted:
            if name == "last":
                columns[name] = [at(self.values, present.foot, present)]
            elif name == "changes":
                count = window_kernels.changes(self.codes, *windows.spans)
                columns[name] = [column(count, pa.int64(), present.found)]
            elif name == "share":
                columns |= self._shares(present, windows)
        return columns

    def _shares(self, present: Presence, windows: Windows) -> Columns:
        texts = self.values.cast(pa.string())
        columns: Columns = {}
        for state in self.states:
            flagged = pc.fill_null(pc.equal(texts, state), False).to_numpy(zero_copy_only=False)
            rows = window_kernels.count_flagged(flagged, *windows.spans)
            share = rows / np.maximum(present.count, 1)
            columns[f"share_{state}"] = [column(share, pa.float64(), present.found)]
        return columns
