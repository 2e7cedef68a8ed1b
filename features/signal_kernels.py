"""Compiled resampling of windows to equal steps, and what is counted from sample to sample."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def resample(  # type: ignore[no-untyped-def]
    times, x, known, available, cut, begin, core, tail, step, max_gap, matrix, whole
):
    """Fill `matrix[k]` with window k at `step` ns, the last sample one step before the cut-off.

    `whole[k]` tells that the window has no hole. Times are counted back from the cut-off, so that none leaves
    int64. Rules: see `features.signals`.
    """
    samples = matrix.shape[1]
    room = 0
    for k in range(cut.size):
        room = max(room, tail[k] - begin[k])
    ago, value = np.empty(room, np.int64), np.empty(room)
    for k in range(cut.size):
        rows = 0
        for i in range(begin[k], tail[k]):
            if known[i] and (i < core[k] or available[i] <= cut[k]):
                if rows > 0 and ago[rows - 1] == cut[k] - times[i]:
                    rows -= 1
                ago[rows] = cut[k] - times[i]
                value[rows] = x[i]
                rows += 1
        whole[k] = rows > 0
        i = 0
        for j in range(samples):
            if not whole[k]:
                break
            at = (samples - j) * step
            while i + 1 < rows and ago[i + 1] >= at:
                i += 1
            if ago[i] <= at or i + 1 == rows:
                whole[k] = abs(ago[i] - at) <= max_gap
                matrix[k, j] = value[i]
            else:
                whole[k] = ago[i] - ago[i + 1] <= max_gap
                share = (ago[i] - at) / (ago[i] - ago[i + 1])
                matrix[k, j] = value[i] + (value[i + 1] - value[i]) * share


@njit(cache=True, nogil=True)
def crossings(centred):  # type: ignore[no-untyped-def]
    """How often the sign changes along each row, zeros passed over."""
    count = np.zeros(centred.shape[0], np.int64)
    for k in range(centred.shape[0]):
        before = 0.0
        for j in range(centred.shape[1]):
            if centred[k, j] != 0.0:
                count[k] += before * np.sign(centred[k, j]) < 0.0
                before = np.sign(centred[k, j])
    return count
