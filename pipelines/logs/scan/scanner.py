"""Runs the compiled scanner over chunks of messages and hands out what it found, table by table."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.logs.scan.cells import Cells
from pipelines.logs.scan.kernel import scan
from pipelines.logs.scan.plan import ROOT, Plan
from pipelines.logs.scan.tree import Arena, Ints

FIRST_ROWS = 4
"""Rows a message that memory is set aside for at first, in every table."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What one chunk held: `plain` messages were read, the others need the exact parser."""

    plan: Plan
    text: npt.NDArray[np.uint8]
    plain: npt.NDArray[np.bool_]
    arena: Arena
    rows: Ints

    def messages(self, table: int) -> Ints:
        """The message of every row of a table."""
        start = self.arena.rows_base[table]
        return self.arena.message[start : start + self.rows[table]]

    def column(self, table: int, column: int) -> Cells:
        """One column of a table."""
        start = self.arena.base[self.plan.tree.columns[table] + column]
        rows = slice(start, start + self.rows[table])
        return Cells(self.text, self.arena.kinds[rows], self.arena.values[rows], self.arena.floats[rows])

    def column_for(self, table: int, cell: tuple[int, int]) -> Cells:
        """A column for the rows of `table`: its own, or the root's of each row's message."""
        of, column = cell
        cells = self.column(of, column)
        if of == table:
            return cells
        messages = self.messages(table)
        return cells.take(messages if self.plain.all() else (np.cumsum(self.plain) - 1)[messages])


class Scanner:
    """Keeps its memory from chunk to chunk: what a `Scan` hands out is valid until the next."""

    def __init__(self, plan: Plan, nesting: int) -> None:
        self._plan = plan
        self._nesting = nesting
        self._capacity = np.zeros(len(plan.tree.record), np.int64)
        self._arena = _arena(plan, self._capacity)

    def scan(self, text: npt.NDArray[np.uint8], starts: Ints, ends: Ints) -> Scan:
        """Scan the messages `starts[i]:ends[i]` of a text that ends in PADDING zeros and is valid UTF-8."""
        plain = np.zeros(len(starts), np.bool_)
        if self._capacity[ROOT] < len(starts):
            self._capacity = np.maximum(self._capacity, FIRST_ROWS * len(starts))
            self._arena = _arena(self._plan, self._capacity)
        while True:
            rows = np.zeros(len(self._capacity), np.int64)
            done = scan(text, starts, ends, self._nesting, self._plan.tree, self._arena, rows, plain)
            if done == len(starts):
                return Scan(self._plan, text, plain, self._arena, rows)
            self._capacity[1:] *= 2
            self._arena = _arena(self._plan, self._capacity)


def _arena(plan: Plan, capacity: Ints) -> Arena:
    widths = np.diff(plan.tree.columns)
    base = np.cumsum(np.concatenate(([0], np.repeat(capacity, widths))))
    values = np.empty(max(base[-1], 1), np.int64)
    rows_base = np.cumsum(np.concatenate(([0], capacity)))
    return Arena(
        capacity=capacity.copy(),
        base=base,
        kinds=np.empty(len(values), np.uint8),
        values=values,
        floats=values.view(np.float64),
        rows_base=rows_base,
        message=np.empty(rows_base[-1], np.int64),
    )
