"""A reason is read by someone in a hurry: one sentence, everyday words, units, and what is usual."""

from models.naming import FeatureName, quantity, span

Value = float | str | None

_SAID = {
    "mean": "averaged {}",
    "std": "varied by {}",
    "min": "was {} at its lowest",
    "max": "was {} at its highest",
    "p10": "was below {} in a tenth of its readings",
    "p50": "was typically {}",
    "p90": "was above {} in a tenth of its readings",
    "count": "came {}",
    "changes": "changed {}",
    "dominant_hz": "swung mostly at {}",
    "zero_crossings": "crossed its average {}",
}
_ENDS = {"last": "end", "first": "start"}
_TIMES = ("count", "changes", "zero_crossings")
_SHARE = "share_"
_LITTLE = 0.005


def words(name: FeatureName, value: Value, usual: Value, unit: str) -> str:
    """One plain sentence: `battery voltage fell 1.9 V in the last 42 s; usual: 0.1 V`.

    `value` and `usual` are the feature's (a category as text, None or NaN where missing), `unit` its unit.
    A slope is told as the change over its window.
    """
    subject = _subject(name)
    if name.statistic == "since_last_s":
        return _since(subject, value, usual)
    if value is None or value != value:
        return f"{subject} was missing{_span(name)}; usual: {_usual(name, usual, unit)}"
    if name.statistic in _ENDS:
        when = f"at the {_ENDS[name.statistic]} of the last {span(name.seconds)}"
        said = f"{subject} was {quantity(value, unit)} {when}"
    elif isinstance(value, str) or not name.statistic:
        said = f"{subject} is {quantity(value, unit)}"
    elif name.statistic == "slope":
        return _change(name, subject, value, usual, unit)
    else:
        said = f"{subject} {_clause(name, _told(name, value, unit))}{_span(name)}"
    return f"{said}; usual: {_usual(name, usual, unit)}"


def as_usual(name: FeatureName, value: Value, usual: Value, unit: str) -> bool:
    """Whether a reason would tell of a value just what it tells of the usual one."""
    if isinstance(value, str) or isinstance(usual, str):
        return value == usual
    one, other = _number(value), _number(usual)
    if one is None or other is None:
        return one is other
    reach = name.seconds if name.statistic == "slope" else 1.0
    return quantity(one * reach, unit) == quantity(other * reach, unit)


def _clause(name: FeatureName, told: str) -> str:
    """What the statistic says of its subject, without the window."""
    statistic = name.statistic
    if statistic.startswith(_SHARE):
        state = statistic.removeprefix(_SHARE).replace("_", " ")
        return f"was {state} in {told} of its readings"
    return _SAID.get(statistic, f"had a {statistic.replace('_', ' ')} of {{}}").format(told)


def _told(name: FeatureName, value: float, unit: str) -> str:
    """The number in the form its statistic is spoken in."""
    if name.statistic in _TIMES:
        return f"{quantity(value, '')} time{'' if value == 1 else 's'}"
    if name.statistic.startswith(_SHARE):
        return quantity(100 * value, "%")
    return f"±{quantity(value, unit)}" if name.statistic == "std" else quantity(value, unit)


def _change(name: FeatureName, subject: str, slope: float, usual: Value, unit: str) -> str:
    """A slope as what it moved within the window; the usual change bears its direction where it differs."""
    unit = unit.removesuffix("/s")
    moved = slope * name.seconds
    verb = f"{'rose' if moved > 0 else 'fell'} {quantity(abs(moved), unit)}" if moved else "did not change"
    said = f"{subject} {verb}{_span(name)}"
    normal = (_number(usual) or 0.0) * name.seconds
    if abs(normal) < _LITTLE * abs(moved):
        return f"{said}; usual: no change"
    before = "" if normal * moved > 0 else "a rise of " if normal > 0 else "a fall of "
    return f"{said}; usual: {before}{quantity(abs(normal), unit)}"


def _since(subject: str, value: Value, usual: Value) -> str:
    if _number(value) is None:
        return f"no {subject} so far; usual: {_ago(usual)}"
    return f"the last {subject} came {_ago(value)}; usual: {_ago(usual)}"


def _ago(value: Value) -> str:
    seconds = _number(value)
    return "none so far" if seconds is None else f"{span(seconds)} ago"


def _usual(name: FeatureName, usual: Value, unit: str) -> str:
    """The usual value in the same form; a change over the window for a slope."""
    number = _number(usual)
    if number is None:
        return quantity(usual, unit)
    if name.statistic == "slope":
        moved, plain = number * name.seconds, unit.removesuffix("/s")
        return f"a {'rise' if moved > 0 else 'fall'} of {quantity(abs(moved), plain)}"
    return _told(name, number, unit)


def _subject(name: FeatureName) -> str:
    if name.field == "gap_s":
        return f"time to the nearest {name.stream.replace('_', ' ')} record"
    return name.source.replace("__", " ").replace("_", " ")


def _span(name: FeatureName) -> str:
    return f" in the last {span(name.seconds)}" if name.window else ""


def _number(value: Value) -> float | None:
    return None if value is None or isinstance(value, str) or value != value else value
