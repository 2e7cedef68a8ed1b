"""Word-sized pictures: a robot's risk over time on one line, and a bar to compare by."""

from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from reports import words
from reports.traced import plain

_WIDTH: Final = 120
_HEIGHT: Final = 26
_FLOOR: Final = 20


def sparkline(robot: Any, trend: Any, top: float) -> Markup:
    """Highest risk per bin, on one scale up to `top` for all robots; gaps stay open, failures are ticks."""
    robot, trend = plain(robot), plain(trend)
    bins = max(trend["bins"], 1)
    path = path_of(
        robot["trend"], lambda i: (i + 0.5) / bins * _WIDTH, lambda y: _FLOOR - 18 * y / (top or 1)
    )
    ticks = "".join(f"M{(i + 0.5) / bins * _WIDTH:.1f} 22v4" for i in robot["failed"])
    body = f'<path class="axis" d="M0 {_FLOOR}.5H{_WIDTH}"/><path class="curve" d="{path}"/>'
    failed = f'<path class="fail" d="{ticks}"/>' if ticks else ""
    return drawing("spark", _WIDTH, _HEIGHT, _told(robot), body + failed)


def _told(robot: dict[str, Any]) -> str:
    known = [peak for peak in robot["trend"] if peak is not None]
    failures = words.plural(len(robot["failed"]), "bin") + " with failures"
    if not known:
        return f"No risk known; {failures}"
    first, last, most = (words.percent(risk) for risk in (known[0], known[-1], max(known)))
    return f"Risk from {first} to {last}, at most {most}; {failures}"


def bar(value: Any, highest: float) -> Markup:
    """A bar as long as `value` is of `highest`; the number beside it tells the rest."""
    length = 64 * plain(value) / highest if highest else 0
    rail, fill = (
        f'<rect class="{kind}" width="{width:.4g}" height="6" rx="3"/>'
        for kind, width in (("rail", 64), ("fill", max(length, 2)))
    )
    return drawing("bar", 64, 6, "", rail + fill)


def drawing(kind: str, width: int, height: int, told: str, body: str) -> Markup:
    """An SVG element of class `kind`; `told` is what a screen reader says, '' for mere decoration.

    `body` is SVG of our own making, its texts escaped.
    """
    role = f'role="img" aria-label="{escape(told)}"' if told else 'aria-hidden="true"'
    return Markup(f'<svg class="{kind}" viewBox="0 0 {width} {height}" {role}>{body}</svg>')  # noqa: S704


def path_of(values: Sequence[float | None], x: Any, y: Any) -> str:
    """An SVG path through the known values; an unknown one lifts the pen, a lone one becomes a short dash."""
    parts, drawing = [], False
    for index, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{x(index):.1f} {y(value):.1f}")
        lone = not drawing and (index + 1 == len(values) or values[index + 1] is None)
        if lone:
            parts.append("h.8")
        drawing = True
    return "".join(parts)
