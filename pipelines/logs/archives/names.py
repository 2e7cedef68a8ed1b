"""Names of members no archive of logs needs: they would escape a folder, or mean two things."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.logs.archives.directory import Bytes, Ints
from pipelines.logs.scan.lanes import byte

SORT_BYTES: Final = 64 << 20
LINES: Final = (".jsonl", ".ndjson", ".log", ".txt")
PACKED: Final = (".gz", ".zst")


def refusal(name: str) -> str | None:
    """The quarantine's reason against a name, None for a good one."""
    if "\0" in name:
        return "nul_in_name"
    parts = name.replace("\\", "/").split("/")
    return "path_escapes" if parts[0] == "" or ".." in parts or name[1:2] == ":" else None


def is_lines(name: str) -> bool:
    """Whether a file of this name holds one message a line."""
    for ending in PACKED:
        name = name.removesuffix(ending)
    return name.endswith(LINES)


def are_lines(archive: Bytes, ends: Ints, sizes: Ints) -> npt.NDArray[np.bool_]:
    """`is_lines` of many names at once, each the `sizes` bytes before `ends`."""
    found = np.zeros(len(ends), np.bool_)
    for ending in (ending + packed for packed in ("", *PACKED) for ending in LINES):
        found |= _end_with(archive, ends, sizes, np.frombuffer(ending.encode(), np.uint8))
    return found


@njit(cache=True, nogil=True)
def _end_with(archive, ends, sizes, ending):  # type: ignore[no-untyped-def]
    """True for names that end with these bytes."""
    found = np.zeros(ends.size, np.bool_)
    for row in range(ends.size):
        place = ending.size
        if sizes[row] >= place:
            while place > 0 and archive[ends[row] - ending.size + place - 1] == ending[place - 1]:
                place -= 1
            found[row] = place == 0
    return found


def by_name(archive: Bytes, starts: Ints, sizes: Ints) -> Ints:
    """Entries ordered by the length of their names, then by bytes, so that numbers in names count."""
    widest = int(sizes.max(initial=1))
    if widest * len(starts) > SORT_BYTES:
        names = [
            archive[at : at + size].tobytes()
            for at, size in zip(starts.tolist(), sizes.tolist(), strict=True)
        ]
        return np.array(sorted(range(len(names)), key=lambda row: (len(names[row]), names[row])), np.int64)
    padded = np.zeros((len(starts), widest), np.uint8)
    _gather(archive, starts, sizes, padded)
    keys = padded.view(f"S{widest}").ravel()
    if (sizes == widest).all():
        return np.arange(len(starts)) if (keys[1:] > keys[:-1]).all() else np.argsort(keys, kind="stable")
    return np.lexsort((keys, sizes))


@njit(cache=True, nogil=True)
def _gather(archive, starts, sizes, padded):  # type: ignore[no-untyped-def]
    """Each name in a row of its own."""
    for row in range(starts.size):
        for place in range(sizes[row]):
            padded[row, place] = archive[starts[row] + place]


@njit(cache=True, nogil=True)
def suspects(archive, starts, sizes):  # type: ignore[no-untyped-def]
    """True for names that need a look by `refusal`."""
    found = np.zeros(starts.size, np.bool_)
    for row in range(starts.size):
        begin, before = starts[row], 0
        for place in range(sizes[row]):
            mark = byte(archive, begin + place)
            odd = mark == 0 or mark == 92 or (mark == 46 and before == 46)
            found[row] |= odd or (place == 0 and mark == 47) or (place == 1 and mark == 58)
            before = mark
    return found


@njit(cache=True, nogil=True)
def same_as_before(archive, starts, sizes):  # type: ignore[no-untyped-def]
    """True where a name equals the one before it."""
    found = np.zeros(starts.size, np.bool_)
    for row in range(1, starts.size):
        if sizes[row] != sizes[row - 1]:
            continue
        same = True
        for place in range(sizes[row]):
            if byte(archive, starts[row] + place) != byte(archive, starts[row - 1] + place):
                same = False
                break
        found[row] = same
    return found
