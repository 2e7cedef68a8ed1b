"""How data flows, as one picture: pipelines in a row, and below them the repos that no pipeline writes."""

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup, escape

from reports.dashboard.source import PipelineView
from reports.sparklines import drawing

_WIDTH: Final = 1_064
_BOX: Final = (112, 34)
_ROW: Final = 104
_BELOW: Final = 204
_HEIGHT: Final = 250


def dag(pipelines: Sequence[PipelineView]) -> Markup:
    """The picture of pipelines, given in the order data flows; a box bears the state of its newest job."""
    step = _WIDTH / max(len(pipelines), 1)
    ran = {each.name: (step * (place + 0.5), _ROW) for place, each in enumerate(pipelines)}
    places = ran | _repos(pipelines, ran)
    edges = [(source, each.name) for each in pipelines for source in each.inputs]
    lines = "".join(_edge(places[source], places[target]) for source, target in edges)
    states = {each.name: each.job.state.lower() if each.job else "none" for each in pipelines}
    boxes = "".join(_box(name, at, states.get(name, "repo")) for name, at in places.items())
    told = "; ".join(f"{each.name} reads {', '.join(each.inputs)}" for each in pipelines)
    body = f'<g class="edges">{lines}</g>{boxes}'
    return drawing("chart flow", _WIDTH, _HEIGHT, f"How data flows: {told}.", body)


def _repos(
    pipelines: Sequence[PipelineView], ran: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Each repo that no pipeline writes, below the first that reads it, or as near as there is room."""
    found: dict[str, tuple[float, float]] = {}
    wide, free = _BOX[0] + 16, _BOX[0] / 2
    for each in pipelines:
        for name in sorted(set(each.inputs) - ran.keys() - found.keys()):
            x = max(ran[each.name][0], free)
            found[name] = (x, _BELOW)
            free = x + wide
    return found


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = start, end
    wide, high = _BOX
    if y0 != y1:
        bend = f"C{x0:.0f} {y0 - 50:.0f} {x1:.0f} {y1 + 56:.0f}"
        return f'<path d="M{x0:.0f} {y0 - high / 2:.0f}{bend} {x1:.0f} {y1 + high / 2:.0f}"/>'
    if x1 - x0 < wide * 2:
        return f'<path d="M{x0 + wide / 2:.0f} {y0}H{x1 - wide / 2:.0f}"/>'
    top = y0 - high / 2
    rise = top - 20 - (x1 - x0) / 14
    return f'<path d="M{x0:.0f} {top:.0f}C{x0:.0f} {rise:.0f} {x1:.0f} {rise:.0f} {x1:.0f} {top:.0f}"/>'


def _box(name: str, at: tuple[float, float], state: str) -> str:
    (x, y), (wide, high) = at, _BOX
    return (
        f'<rect class="{escape(state)}" x="{x - wide / 2:.0f}" y="{y - high / 2:.0f}" '
        f'width="{wide}" height="{high}" rx="3"/>'
        f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle">{escape(name)}</text>'
    )
