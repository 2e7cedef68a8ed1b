"""The scanner: validates JSON messages and stores the declared leaves, in one pass over the bytes.

A message is *plain* when it is valid JSON made of what is declared where it is declared. Anything else makes
it odd: its rows are taken back and the exact parser reads it. Odd is always safe, so every doubt is odd.
"""

from typing import Final

import numpy as np
from numba import njit

from pipelines.logs.scan.lanes import byte, get, get_real, put, put_byte, put_real
from pipelines.logs.scan.numbers import number
from pipelines.logs.scan.pairs import json_text
from pipelines.logs.scan.strings import after_space, find_key, is_key, is_literal, string_end
from pipelines.logs.scan.tree import (
    FALSE,
    FLOAT,
    INT,
    KEY,
    MISSING,
    NONE,
    NULL,
    ODD,
    STRING,
    TRUE,
    VALUE,
    WHEN,
)

OBJECT: Final = 0
ARRAY: Final = 1
PLAIN: Final = 0
FULL: Final = 1
LIKELY: Final = 6


@njit(cache=True, nogil=True, error_model="numpy")
def scan(text, starts, ends, nesting, tree, arena, rows, plain):  # type: ignore[no-untyped-def]
    """Scan messages; returns the number of the first that found the arena full, or how many there are.

    `text` (uint8) ends in PADDING zeros. Fills the arena, `rows` per table and `plain` per message.
    """
    frames = np.empty(6 * (nesting + 2), np.int64)
    seen = np.zeros(tree.leaf.size, np.int64)
    pair = np.zeros(7, np.int64)
    pair_reals = np.zeros(3, np.float64)
    oldest = np.empty(rows.size, np.int64)
    stamp = np.int64(0)
    for message in range(starts.size):
        oldest[:] = rows
        stamp, status = _message(
            text.ctypes.data, starts[message], ends[message], message, nesting,
            tree.first.ctypes.data, tree.words.ctypes.data, tree.masks.ctypes.data, tree.length.ctypes.data,
            tree.leaf.ctypes.data, tree.into.ctypes.data, tree.table.ctypes.data, tree.columns.ctypes.data,
            tree.record.ctypes.data, tree.keyed.ctypes.data,
            arena.capacity.ctypes.data, arena.base.ctypes.data, arena.kinds.ctypes.data,
            arena.values.ctypes.data, arena.floats.ctypes.data, arena.rows_base.ctypes.data,
            arena.message.ctypes.data, rows.ctypes.data, frames.ctypes.data, seen.ctypes.data, stamp,
            pair.ctypes.data, pair_reals.ctypes.data, oldest.ctypes.data,
        )  # fmt: skip
        if status != PLAIN:
            rows[:] = oldest
            if status == FULL:
                return message
        plain[message] = status == PLAIN
    return starts.size


@njit(cache=True, nogil=True, error_model="numpy")
def _message(  # type: ignore[no-untyped-def]
    text, at, end, message, nesting,
    first, words, masks, length, leaves, into, table_of, columns, record, keyed,
    capacity, base, kinds, values, floats, rows_base,
    message_of, rows, frames, seen, stamp, pair, pair_reals, oldest,
):  # fmt: skip
    """One message: PLAIN, ODD, or FULL when a table has no row left; with the last stamp used.

    The innermost open container: its shape, node (NONE when nothing in it is declared), table and row, the
    child its next key is likely to be, and the stamp that tells a repeated key.
    """
    at = after_space(text, at)
    if byte(text, at) != 123:
        return stamp, ODD
    depth, shape, node, table, row = 0, OBJECT, get(record, 0), 0, get(rows, 0)
    if row >= get(capacity, 0):
        return stamp, FULL
    _new_row(0, row, message, columns, base, kinds, rows_base, message_of, rows)
    likely = get(first, node)
    stamp += 1
    mine = stamp
    at = after_space(text, at + 1)
    closing = byte(text, at) == 125
    while True:
        if not closing:
            child = NONE
            if shape == OBJECT:
                if byte(text, at) != 34:
                    return stamp, ODD
                at += 1
                if node == NONE:
                    at, simple = string_end(text, at)
                    if at == NONE:
                        return stamp, ODD
                else:
                    if likely < get(first, node + 1) and is_key(text, at, words, masks, length, likely):
                        child = likely
                        at += get(length, child)
                    else:
                        close, simple = string_end(text, at)
                        if close == NONE or not simple:
                            return stamp, ODD
                        child = find_key(
                            text, at, close - at, words, masks, length, get(first, node), get(first, node + 1)
                        )
                        at = close
                    if child != NONE:
                        if get(seen, child) == mine:
                            return stamp, ODD
                        put(seen, child, mine)
                        likely = child + 1
                at += 1
                if byte(text, at) != 58:
                    at = after_space(text, at)
                    if byte(text, at) != 58:
                        return stamp, ODD
                at = after_space(text, at + 1)
            leaf, records = NONE, NONE
            if child != NONE:
                leaf, records = get(leaves, child), get(table_of, child)
            listed = shape == ARRAY and table != NONE
            mark = byte(text, at)
            if mark == 123 or mark == 91:
                if leaf != NONE or depth + 1 >= nesting or (listed and mark == 91):
                    return stamp, ODD
                frame = 6 * depth
                put(frames, frame, shape)
                put(frames, frame + 1, node)
                put(frames, frame + 2, table)
                put(frames, frame + 3, row)
                put(frames, frame + 4, likely)
                put(frames, frame + 5, mine)
                depth += 1
                if mark == 91:
                    shape, node, table = ARRAY, NONE, records
                else:
                    shape = OBJECT
                    if listed or records != NONE:
                        table = table if listed else records
                        node = get(record, table)
                        if get(keyed, table) != NONE:
                            put(pair, KEY, MISSING)
                            put(pair, VALUE, MISSING)
                            put(pair, WHEN, MISSING)
                        else:
                            row = get(rows, table)
                            if row >= get(capacity, table):
                                return stamp, FULL
                            _new_row(table, row, message, columns, base, kinds, rows_base, message_of, rows)
                    elif child != NONE and get(into, child) != NONE:
                        node = get(into, child)
                    else:
                        node, table = NONE, NONE
                    if node != NONE:
                        likely = get(first, node)
                        stamp += 1
                        mine = stamp
                at = after_space(text, at + 1)
                closing = byte(text, at) == mark + 2
                continue
            if listed or (records != NONE and mark != 110):
                return stamp, ODD
            kind, value, real = MISSING, 0, 0.0
            if mark == 34:
                close, simple = string_end(text, at + 1)
                if close == NONE:
                    return stamp, ODD
                if leaf != NONE and not simple and (get(keyed, table) == NONE or leaf != VALUE):
                    return stamp, ODD
                kind, value = STRING, (at + 1) << 32 | (close - at - 1)
                at = close + 1
            elif mark == 45 or 48 <= mark <= 57:
                at, kind, value, real = number(text, at)
                if kind == ODD:
                    return stamp, ODD
            elif is_literal(text, at, 0x65757274, 4):
                at, kind = at + 4, TRUE
            elif is_literal(text, at, 0x65736C6166, 5):
                at, kind = at + 5, FALSE
            elif is_literal(text, at, 0x6C6C756E, 4):
                at, kind = at + 4, NULL
            else:
                return stamp, ODD
            if leaf != NONE:
                if get(keyed, table) == NONE:
                    _store(get(base, leaf) + row, kind, value, real, kinds, values, floats)
                else:
                    put(pair, leaf, kind)
                    put(pair, 3 + leaf, value)
                    put_real(pair_reals, leaf, real)
        while True:
            if not closing:
                at = after_space(text, at)
                mark = byte(text, at)
                if mark == 44:
                    at = after_space(text, at + 1)
                    break
                if mark != (125 if shape == OBJECT else 93):
                    return stamp, ODD
            closing = False
            at += 1
            if shape == OBJECT and table != NONE and get(keyed, table) != NONE:
                status = _add_pair(
                    text, message, table, get(oldest, table), first, words, masks, length, leaves, columns,
                    get(keyed, table), capacity, base, kinds, values, floats, rows_base, message_of, rows,
                    pair, pair_reals,
                )  # fmt: skip
                if status != PLAIN:
                    return stamp, status
            depth -= 1
            if depth < 0:
                return stamp, PLAIN if at <= end <= after_space(text, at) else ODD
            frame = 6 * depth
            shape, node, table = get(frames, frame), get(frames, frame + 1), get(frames, frame + 2)
            row, likely, mine = get(frames, frame + 3), get(frames, frame + 4), get(frames, frame + 5)


@njit(cache=True, nogil=True, inline="always")
def _new_row(table, row, message, columns, base, kinds, rows_base, message_of, rows):  # type: ignore[no-untyped-def]
    """Open the next row of a table, all cells missing."""
    put(rows, table, row + 1)
    put(message_of, get(rows_base, table) + row, message)
    for column in range(get(columns, table), get(columns, table + 1)):
        put_byte(kinds, get(base, column) + row, MISSING)


@njit(cache=True, nogil=True, inline="always")
def _store(at, kind, value, real, kinds, values, floats):  # type: ignore[no-untyped-def]
    """Put a value into a cell."""
    put_byte(kinds, at, kind)
    if kind == FLOAT:
        put_real(floats, at, real)
    else:
        put(values, at, value)


@njit(cache=True, nogil=True, inline="always")
def _add_pair(  # type: ignore[no-untyped-def]
    text, message, table, oldest, first, words, masks, length, leaves, columns,
    node, capacity, base, kinds, values, floats, rows_base, message_of, rows, pair, reals,
):  # fmt: skip
    """Put a key-value pair where it belongs: pairs of one message and time are one row.

    The message's rows begin at `oldest`. PLAIN, ODD or FULL.
    """
    when = get(pair, WHEN) if get(pair, WHEN) != NULL else MISSING
    if get(pair, KEY) != STRING or (when != MISSING and when != INT and when != FLOAT):
        return ODD
    begin, size = get(pair, 3 + KEY) >> 32, get(pair, 3 + KEY) & 0xFFFFFFFF
    key = get(pair, LIKELY)
    if not (
        get(first, node) <= key < get(first, node + 1)
        and get(length, key) == size
        and is_key(text, begin, words, masks, length, key)
    ):
        key = find_key(text, begin, size, words, masks, length, get(first, node), get(first, node + 1))
    if key == NONE:
        return PLAIN
    put(pair, LIKELY, key + 1)
    kind, value, real = get(pair, VALUE), get(pair, 3 + VALUE), get_real(reals, VALUE)
    if kind == STRING:
        kind, value, real = json_text(text, value >> 32, value & 0xFFFFFFFF)
        if kind == ODD:
            return ODD
    clock = get(base, get(columns, table))
    time, real_time = get(pair, 3 + WHEN), get_real(reals, WHEN)
    row = get(rows, table) - 1
    while row >= oldest:
        if byte(kinds, clock + row) == when and (
            when == MISSING
            or (
                get(values, clock + row) == time
                if when == INT
                else get_real(floats, clock + row) == real_time
            )
        ):
            break
        row -= 1
    if row < oldest:
        row = get(rows, table)
        if row >= get(capacity, table):
            return FULL
        _new_row(table, row, message, columns, base, kinds, rows_base, message_of, rows)
        _store(clock + row, when, time, real_time, kinds, values, floats)
    cell = get(base, get(leaves, key)) + row
    if byte(kinds, cell) != MISSING:
        return ODD
    _store(cell, NULL if kind == MISSING else kind, value, real, kinds, values, floats)
    return PLAIN
