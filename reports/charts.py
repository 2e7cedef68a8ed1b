"""The report's pictures: plain SVG from the summary's own points, coloured by the page's style."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from reports import words
from reports.sparklines import drawing, path_of
from reports.traced import plain

_LEFT: Final = 44
_RIGHT: Final = 12
_TOP: Final = 10
_BOTTOM: Final = 34


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot's box: `x` and `y` from 0 to their maxima, in a drawing `width` by `height`."""

    width: int
    height: int
    x_max: float
    y_max: float

    def x(self, value: float) -> float:
        """Where `value` lies across."""
        return _LEFT + (self.width - _LEFT - _RIGHT) * min(max(value / self.x_max, 0), 1)

    def y(self, value: float) -> float:
        """Where `value` lies from the top."""
        floor = self.height - _BOTTOM
        return floor - (floor - _TOP) * min(max(value / self.y_max, 0), 1)

    def anchor(self, x: float) -> str:
        """How a tick's text hangs at `x`: the last one ends there, so that it stays in the box."""
        return "end" if x >= self.x_max else "middle"

    def dot(self, x: float, y: float) -> str:
        """A dot at a point."""
        return f'<circle class="dot" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3.5"/>'

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """A line through the points."""
        return "".join(
            f"{'L' if index else 'M'}{self.x(x):.1f} {self.y(y):.1f}" for index, (x, y) in enumerate(points)
        )

    def steps(self, points: Sequence[tuple[float, float]]) -> str:
        """A stair that keeps each point's y until the next point's x."""
        stairs = [f"{'L' if i else 'M'}{self.x(x):.1f} {self.y(y):.1f}" for i, (x, y) in enumerate(points)]
        return (
            stairs[0] + "".join(f"H{self.x(x):.1f}V{self.y(y):.1f}" for x, y in points[1:]) if points else ""
        )

    def drawn(
        self,
        body: str,
        *,
        told: str,
        across: str,
        x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
    ) -> Markup:
        """The picture with grid, ticks and axis name; `told` says in words what it shows."""
        floor = self.height - _BOTTOM
        grid = "".join(f"M{_LEFT} {self.y(y):.1f}H{self.width - _RIGHT}" for y, _ in y_ticks)
        labels = "".join(
            f'<text x="{_LEFT - 6}" y="{self.y(y) + 4:.1f}" text-anchor="end">{escape(text)}</text>'
            for y, text in y_ticks
        ) + "".join(
            f'<text x="{self.x(x):.1f}" y="{floor + 15}" text-anchor="{self.anchor(x)}">{escape(text)}</text>'
            for x, text in x_ticks
        )
        middle = (_LEFT + self.width - _RIGHT) / 2
        name = f'<text x="{middle:.0f}" y="{self.height - 4}" text-anchor="middle">{escape(across)}</text>'
        return drawing(
            "chart", self.width, self.height, told, f'<path class="grid" d="{grid}"/>{body}{labels}{name}'
        )


def reliability(model: Any) -> Markup:
    """Foretold risk against what came true, per bin; on the diagonal the risk is honest."""
    bins = plain(model)["pictures"]["reliability"]
    top = nice(max((max(each["mean_risk"], each["rate"]) for each in bins), default=1.0))
    frame = Frame(320, 240, top, top)
    dots = "".join(frame.dot(each["mean_risk"], each["rate"]) for each in bins)
    line = frame.path([(each["mean_risk"], each["rate"]) for each in bins])
    told = "; ".join(
        f"{words.percent(each['mean_risk'])} foretold, {words.percent(each['rate'])} came true"
        for each in bins
    )
    return frame.drawn(
        f'<path class="ideal" d="{frame.path([(0, 0), (top, top)])}"/><path class="curve" d="{line}"/>{dots}',
        told=f"Reliability: {told or 'no rows'}.",
        across="foretold risk",
        x_ticks=_shares(top),
        y_ticks=_shares(top),
    )


def precision_recall(model: Any) -> Markup:
    """Precision against recall over all thresholds, above the share a blind guess would hit."""
    model = plain(model)
    points = [(each["recall"], each["precision"]) for each in model["pictures"]["pr_curve"]]
    frame, prevalence = Frame(320, 240, 1.0, 1.0), model["test"]["prevalence"] or 0.0
    best = max((each[1] for each in points if each[0] >= 0.5), default=None)
    return frame.drawn(
        f'<path class="ideal" d="{frame.path([(0, prevalence), (1, prevalence)])}"/>'
        f'<path class="curve" d="{frame.path(sorted(points, key=lambda point: point[0]))}"/>',
        told=f"Precision and recall: at a recall of one half, precision is {words.percent(best)}; "
        f"a blind guess is right in {words.percent(prevalence)}.",
        across="recall (rows before a failure that were flagged)",
        x_ticks=_shares(1.0),
        y_ticks=_shares(1.0),
    )


def lead_times(model: Any) -> Markup:
    """Share of failures warned of at least so long ahead."""
    points = [(each["seconds"], each["recall"]) for each in plain(model)["pictures"]["lead_times"]]
    longest = max((x for x, _ in points), default=1.0) or 1.0
    frame = Frame(320, 240, longest, 1.0)
    half = max((x for x, y in points if y >= 0.5), default=None)
    share = points[0][1] if points else None
    told = "fewer than half" if half is None else f"half at least {words.span(half)} ahead"
    return frame.drawn(
        f'<path class="curve" d="{frame.path(points)}"/>',
        told=f"Lead time: {words.percent(share)} of failures were warned of, {told}.",
        across="warned at least so long ahead",
        x_ticks=[(longest * part, words.span(longest * part)) for part in (0, 0.5, 1)],
        y_ticks=_shares(1.0),
    )


def survival(curve: Any) -> Markup:
    """Share of runs that last longer, by hours of operation, with the 95 % band."""
    curve = plain(curve)
    points = curve["points"]
    end = curve["end_h"] or 1.0
    step = nice(end / 4)
    frame = Frame(480, 240, end, 1.0)

    def stair(name: str) -> list[tuple[float, float]]:
        known = [(0.0, 1.0)] + [(each["hours"], each[name]) for each in points if each[name] is not None]
        return [*known, (end, known[-1][1])]

    back = frame.steps(stair("low"))
    band = frame.steps(stair("high"))
    median = curve["median_h"]["value"]
    told = "more than half never failed" if median is None else f"half fail within {words.hours(median)}"
    return frame.drawn(
        f'<path class="band" d="{band}"/><path class="band" d="{back}"/>'
        f'<path class="curve" d="{frame.steps(stair("share"))}"/>',
        told=f"Kaplan–Meier curve of {words.plural(curve['durations'], 'run')}: {told}.",
        across="hours of operation without a failure",
        x_ticks=[(step * index, words.hours(step * index)) for index in range(int(end / step) + 1)],
        y_ticks=_shares(1.0),
    )


def periods(found: Any) -> Markup:
    """Failures per 1,000 hours for each day or week, with exact Poisson intervals as whiskers."""
    found = plain(found)
    rows = [row for row in found["rows"] if row["per_1000_h"]["value"] is not None]
    most, highest = (
        max((row["per_1000_h"][name] for row in rows), default=0.0) for name in ("value", "high")
    )
    top = nice(min(highest, 4 * most) if most else highest)
    frame = Frame(480, 240, max(len(rows), 1), top)
    body = "".join(
        f'<path class="whisker" d="M{frame.x(i + 0.5):.1f} {frame.y(row["per_1000_h"]["low"]):.1f}'
        f'V{frame.y(row["per_1000_h"]["high"]):.1f}"/>' + frame.dot(i + 0.5, row["per_1000_h"]["value"])
        for i, row in enumerate(rows)
    )
    every = max(1, math.ceil(len(rows) / 5))
    told = "; ".join(f"{row['start'][:10]}: {words.decimal(row['per_1000_h']['value'])}" for row in rows)
    return frame.drawn(
        body,
        told=f"Failures per 1,000 hours by {found['unit']}: {told or 'none observed'}.",
        across=f"{found['unit']} (UTC)" if found["unit"] == "day" else "week from Monday (UTC)",
        x_ticks=[(i + 0.5, row["start"][5:10]) for i, row in enumerate(rows) if i % every == 0],
        y_ticks=[(top * part, words.decimal(top * part)) for part in (0, 0.5, 1)],
    )


def dependence(found: Any) -> Markup:
    """Mean risk over the values of one feature: a line over numbers, dots over categories."""
    points = plain(found)["points"]
    try:
        places = [float(each["value"]) for each in points]
    except ValueError:
        places = []
    top = nice(max((each["risk"] for each in points), default=0.0))
    low, high = min(points, key=lambda each: each["risk"]), max(points, key=lambda each: each["risk"])
    told = (
        f"Mean risk from {words.percent(low['risk'])} at {low['value']} "
        f"to {words.percent(high['risk'])} at {high['value']}."
    )
    if len(places) > 1:
        first, width = places[0], places[-1] - places[0]
        frame = Frame(320, 200, width, top)
        body = frame.path([(at - first, each["risk"]) for at, each in zip(places, points, strict=True)])
        body = f'<path class="curve" d="{body}"/>'
        ticks = [(width * part, f"{first + width * part:.3g}") for part in (0, 0.5, 1)]
    else:
        frame = Frame(320, 200, max(len(points), 1), top)
        body = "".join(frame.dot(place + 0.5, each["risk"]) for place, each in enumerate(points))
        ticks = [(place + 0.5, each["value"]) for place, each in enumerate(points[:6])]
    return frame.drawn(body, told=told, across="value of the feature", x_ticks=ticks, y_ticks=_shares(top))


def trend(robot: Any, span: Any, threshold: Any) -> Markup:
    """A robot's highest risk per bin, its failures, and the alert threshold."""
    robot, span, threshold = plain(robot), plain(span), plain(threshold)
    known = [peak for peak in robot["trend"] if peak is not None]
    line = threshold if threshold is not None and threshold < 1 else None
    top = nice(max([*known, line or 0.0], default=1.0))
    bins = max(span["bins"], 1)
    frame = Frame(560, 150, bins, top)
    path = path_of(robot["trend"], lambda index: frame.x(index + 0.5), frame.y)
    floor = frame.height - _BOTTOM
    fails = "".join(f"M{frame.x(i + 0.5):.1f} {floor}l-4 7h8z" for i in robot["failed"])
    body = "" if line is None else f'<path class="threshold" d="{frame.path([(0, line), (bins, line)])}"/>'
    begin, end = words.moment(span["start"])[5:], words.moment(span["end"])[5:]
    return frame.drawn(
        f'{body}<path class="curve" d="{path}"/>' + (f'<path class="failed" d="{fails}"/>' if fails else ""),
        told=f"Risk of {robot['robot_id']}: at most {words.percent(max(known, default=None))}, "
        f"{words.plural(len(robot['failed']), 'bin')} with failures.",
        across=f"{begin} to {end} UTC, highest risk per {words.span(span['bin_s'])}",
        x_ticks=[],
        y_ticks=_shares(top),
    )


def nice(value: float) -> float:
    """The next round number upwards, one whose half is round too; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        step * power for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9)
    )


def _shares(top: float) -> list[tuple[float, str]]:
    return [(top * part, words.percent(top * part)) for part in (0, 0.5, 1)]
