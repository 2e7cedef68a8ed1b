"""How often alerts were right, from the verdicts people gave: the one figure no model can flatter."""

from collections.abc import Iterable
from typing import Any, Final

CLEARED: Final = "false alarm"


def precision(verdicts: Iterable[str]) -> dict[str, Any]:
    """Share of closed alerts that were right (true or repaired), with a 95 % Wilson interval.

    `closed`, `right` and the count of each verdict; `value`, `low`, `high` are None where none is closed.
    Source: Wilson, E. B. (1927), JASA 22, 209-212.
    """
    said = list(verdicts)
    right = sum(verdict != CLEARED for verdict in said)
    return {
        "closed": len(said),
        "right": right,
        "verdicts": {verdict: said.count(verdict) for verdict in sorted(set(said))},
        **_wilson(right, len(said)),
    }


def _wilson(right: int, total: int) -> dict[str, float | None]:
    if not total:
        return {"value": None, "low": None, "high": None}
    z = 1.959963984540054
    share, spread = right / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / total + spread / (4 * total)) ** 0.5
    return {"value": share, "low": max(centre - half, 0.0), "high": min(centre + half, 1.0)}
