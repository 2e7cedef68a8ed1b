"""Beginning, middle and end of what is too long to look at whole: files are sorted by robot, or by day."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from pipelines.logs.archives.unpack import GZIP, ZSTD
from pipelines.logs.chunk import Chunk
from pipelines.logs.recordings.kinds import HEAD
from pipelines.logs.scratch import Scratch

PIECES: Final = 3
PACKED: Final = (GZIP, ZSTD, b"PK")


def runs(total: int, most: int) -> list[range]:
    """Places to look at among `total`: all, or three runs of them, together no more than `most`."""
    if total <= most:
        return [range(total)]
    size = most // PIECES
    return [range(begin, begin + size) for begin in (0, (total - size) // 2, total - size)]


def messages_in(chunks: Sequence[Chunk], most: int) -> Iterator[tuple[int, bytes]]:
    """(piece, message) of what lies in the runs of these chunks."""
    ends = list(accumulate(map(len, chunks)))
    for piece, run in enumerate(runs(ends[-1] if ends else 0, most)):
        for place in run:
            chunk = bisect_right(ends, place)
            yield piece, chunks[chunk].raw(place - ends[chunk] + len(chunks[chunk]))


def short_lines(path: Path, scratch: Scratch, window: int, *, header: bool) -> Path:
    """A copy of three windows of whole lines, behind the header; the file itself where that is no shorter.

    Packed files and text in two bytes a character have no lines one could cut at: they stay.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
        if size <= (PIECES + 1) * window or head.startswith(PACKED) or b"\0" in head:
            return path
        file.seek(0)
        parts = [file.readline(window)] if header else []
        first = file.tell()
        for begin in (first, (size - window) // 2, size - window):
            file.seek(begin)
            part = file.read(window)
            start = part.find(b"\n") + 1 if begin > first else 0
            end = len(part) if begin + window == size else part.rfind(b"\n") + 1
            parts.append(part[start:end])
    copy = scratch() / path.name
    copy.write_bytes(b"".join(parts))
    return copy


def short_parquet(path: Path, scratch: Scratch, most: int) -> Path:
    """A copy of three runs of rows, together no more than `most`; the file itself where it has no more."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    if file.metadata.num_rows <= most:
        return path
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    ends = list(accumulate(sizes))
    copy = scratch() / path.name
    parts = []
    for run in runs(ends[-1], most):
        groups = range(bisect_right(ends, run.start), bisect_right(ends, run.stop - 1) + 1)
        skipped = run.start - ends[groups.start] + sizes[groups.start]
        parts.append(file.read_row_groups(list(groups)).slice(skipped, len(run)))
    pq.write_table(pa.concat_tables(parts), copy)
    return copy
