"""Which records look like failures: a first guess at `[[failure.on]]`, for a person to check."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipelines.inspect.profile import FieldProfile, Profile

GRAVE: Final = re.compile(r"fatal|critical|urgent|error|severe", re.IGNORECASE)
BAD: Final = re.compile(
    r"fault|fail|error|abort|e_?stop|emergency|lost|collision|protective|störung|fehler|defekt", re.IGNORECASE
)
FAILURE: Final = re.compile("fail", re.IGNORECASE)
NAMES: Final = ("code", "error_code", "error_type", "failure", "error", "error_id", "type", "name", "fault")


def failure_rule(profiles: Sequence[Profile]) -> Iterator[str]:
    """Lines of one rule: grave events, else events, else a state that sounds bad, else a placeholder."""
    events = [one for one in profiles if one.kind == "events"]
    for one in sorted(events, key=_doubt):
        grave = [(field, [state for state in field.states if GRAVE.search(state)]) for field in one.fields]
        grave = [(field, states) for field, states in grave if states and not _is_code(field)]
        if grave or BAD.search(one.source.name):
            when = _any_of(*grave[0]) if grave else ""
            yield from _rule(one, when, "each", _code_field(one))
            return
    for one in profiles:
        for field in one.fields:
            bad = [state for state in field.states if BAD.search(state)]
            if field.type == "bool" and BAD.search(field.name):
                yield from _rule(one, _any_of(field, [True]), "rising", None)
                return
            if bad:
                yield from _rule(one, _any_of(field, bad), "rising", None)
                return
    yield "# CHECK: nothing here looks like a failure. Name the records that mean one; this rule never holds."
    told = [(one, field) for one in profiles for field in one.fields]
    one, field = next((pair for pair in told if pair[1].most is not None), told[0])
    never = f"{{ above = {field.most!r} }}" if field.most is not None else '"CHECK"'
    yield from _rule(one, f"{field.name} = {never}", "rising", None)


def _doubt(one: Profile) -> tuple[bool, bool]:
    return not FAILURE.search(one.source.name), not BAD.search(one.source.name)


def _rule(one: Profile, when: str, edge: str, code_field: str | None) -> Iterator[str]:
    yield "[[failure.on]]  # CHECK: which records mean that somebody has to walk to the robot"
    yield f'stream = "{one.source.name}"'
    if when:
        yield f"when = {{ {when} }}"
    yield f'edge = "{edge}"'
    if code_field:
        yield f'code_field = "{code_field}"'


def _any_of(field: FieldProfile, values: Sequence[str | bool]) -> str:
    return f"{field.name} = {json.dumps(values, ensure_ascii=False)}"


def _is_code(field: FieldProfile) -> bool:
    return field.name in NAMES


def _code_field(one: Profile) -> str | None:
    texts = [field.name for field in one.fields if field.type == "string"]
    return next((name for name in NAMES if name in texts), None)
