"""Cuts contents into messages: a member, a line, or an element of a list."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numba import njit

from pipelines.logs.archives.members import Content
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.chunk import Chunk
from pipelines.logs.scan.lanes import byte
from pipelines.logs.scan.strings import after_space, string_end
from pipelines.logs.scan.tree import NONE, PADDING, Ints

BLANK: Final = b" \t\r\n"
LINE_BREAKS: Final = (b"}\n{", b"}\r\n{")


def members(contents: Sequence[Content], names: Callable[[int], str]) -> Iterator[Chunk]:
    """One message a member; a list's elements are messages, and so are the lines of several objects."""
    whole = _whole(contents, names, 0)
    many = [
        place
        for place in np.flatnonzero(whole.text[whole.starts] != ord("{")).tolist()
        if contents[place].lstrip(BLANK)[:1] == b"["
    ]
    if b"\n" in whole.data and any(mark in whole.data for mark in LINE_BREAKS):
        many += [place for place, content in enumerate(contents) if any(m in content for m in LINE_BREAKS)]
    if not many:
        yield whole
        return
    begin = 0
    for place in [*sorted(set(many)), len(contents)]:
        if place > begin:
            yield _whole(contents[begin:place], names, begin)
        if place < len(contents):
            yield from several(bytes(contents[place]), names(place))
        begin = place + 1


def several(content: bytes, name: str) -> Iterator[Chunk]:
    """The elements of a list, or else the lines."""
    if content.lstrip(BLANK)[:1] != b"[":
        yield from lines([content], name, len(content))
        return
    data = content + bytes(PADDING)
    text = np.frombuffer(data, np.uint8)
    bounds = np.empty((content.count(b",") + 2, 2), np.int64)
    found = _elements(text, len(content), bounds)
    starts, ends = bounds[:found, 0].copy(), bounds[:found, 1].copy()
    yield Chunk(data, starts, ends, lambda _: name, np.full(found, -1), starts)


def lines(blocks: Iterable[bytes], name: str, longest: int) -> Iterator[Chunk]:
    """One message a line that is not blank; where the blocks begin and end means nothing.

    Raises Unreadable with entry_too_large at a line of more than `longest` bytes.
    """
    line, offset, rest = 1, 0, b""
    for block in itertools.chain(blocks, (None,)):
        if block is None:
            piece, rest = rest, b""
        else:
            cut = block.rfind(b"\n") + 1
            piece, rest = (rest + block[:cut], block[cut:]) if cut else (b"", rest + block)
        if piece:
            yield _lines(piece, name, line, offset)
            line += piece.count(b"\n")
            offset += len(piece)
        if len(rest) > longest:
            raise Unreadable("entry_too_large", f"line {line} has more than {longest} bytes")


def within_lines(chunk: Chunk) -> Chunk:
    """What each line holds from its first brace on; lines without are left out."""
    if not len(chunk) or chunk.lines[0] < 0:
        return chunk
    braces = np.append(np.flatnonzero(chunk.text == ord("{")), len(chunk.text))
    begins = braces[np.searchsorted(braces, chunk.starts)]
    rows = np.flatnonzero(begins < chunk.ends)
    offsets = chunk.offsets + begins - chunk.starts
    return Chunk(
        chunk.data,
        begins[rows],
        chunk.ends[rows],
        lambda message: chunk.member(int(rows[message])),
        chunk.lines[rows],
        offsets[rows],
    )


def _whole(contents: Sequence[Content], names: Callable[[int], str], begin: int) -> Chunk:
    data = b"\0".join([*contents, bytes(PADDING)])
    sizes = np.fromiter(map(len, contents), np.int64, len(contents))
    starts = np.concatenate(([0], np.cumsum(sizes[:-1] + 1)))
    none = np.full(len(sizes), -1)
    return Chunk(data, starts, starts + sizes, lambda i: names(begin + i), none, np.zeros_like(none))


def _lines(piece: bytes, name: str, line: int, offset: int) -> Chunk:
    data = piece + bytes(PADDING)
    text = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(text[: len(piece)] == ord("\n"))
    starts, ends = np.concatenate(([0], breaks + 1)), np.append(breaks, len(piece))
    full = np.flatnonzero(ends > starts)
    doubtful = full[np.isin(text[starts[full]], np.frombuffer(BLANK, np.uint8))]
    blank = [row for row in doubtful.tolist() if not piece[starts[row] : ends[row]].strip(BLANK)]
    full = np.setdiff1d(full, blank, assume_unique=True) if blank else full
    return Chunk(data, starts[full], ends[full], lambda _: name, full + line, starts[full] + offset)


@njit(cache=True, nogil=True)
def _elements(text: Ints, end: int, bounds: Ints) -> int:
    """Start and end of each element of the list at the text's start; what is broken is the last element."""
    at = after_space(text, 0) + 1
    begin = after_space(text, at)
    if byte(text, begin) == 93 and after_space(text, begin + 1) >= end:
        return 0
    depth, found = 0, 0
    at = begin
    while at < end:
        mark = byte(text, at)
        if mark == 34:
            close, _ = string_end(text, at + 1)
            if close == NONE:
                break
            at = close
        elif mark == 123 or mark == 91:
            depth += 1
        elif depth > 0 and (mark == 125 or mark == 93):
            depth -= 1
        elif depth == 0 and (mark == 44 or mark == 93):
            bounds[found, 0], bounds[found, 1] = begin, at
            found += 1
            begin = at + 1
            if mark == 93:
                break
        at += 1
    if after_space(text, begin) < end:
        bounds[found, 0], bounds[found, 1] = begin, end
        found += 1
    return found
