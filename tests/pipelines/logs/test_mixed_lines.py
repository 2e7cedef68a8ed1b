"""Messages within lines of text, and secrets within messages, against slow and obvious ways to find them."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.logs import split
from pipelines.logs.redact import redacted

KEYS = ("api_key", "token")
SECRET = "s3cr3t-value"

inner = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["a", "key", "b c"]), below),
    max_leaves=8,
)
secret = st.sampled_from([SECRET, [SECRET], {"a": SECRET}, {"a": [{"b": SECRET}]}, SECRET + '"\\é'])


@given(st.lists(st.text(alphabet='ab{}" \r', max_size=8), max_size=8), st.integers(1, 9))
def test_a_message_begins_at_the_first_brace_of_its_line(lines: list[str], size: int) -> None:
    content = "\n".join(lines).encode()
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    chunks = [split.within_lines(chunk) for chunk in split.lines(blocks, "x.log", 1_000)]
    found = [
        (chunk.line(number), int(chunk.offsets[number]), chunk.raw(number), chunk.member(number))
        for chunk in chunks
        for number in range(len(chunk))
    ]
    expected, offset = [], 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if b"{" in line:
            at = line.index(b"{")
            expected.append((number, offset + at, line[at:], "x.log"))
        offset += len(line) + 1
    assert found == expected


def test_messages_that_are_no_lines_stay_as_they_are() -> None:
    (chunk,) = split.members([b'  {"a": 1}', b"text"], lambda place: f"m{place}")
    assert split.within_lines(chunk) is chunk


@given(st.dictionaries(st.sampled_from(["a", "b", "API_KEY", "token"]), inner | secret), secret, st.data())
def test_secrets_are_masked_however_deep_and_wherever_the_text_breaks_off(
    message: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    clean = {key: None if key in ("API_KEY", "token") else kept for key, kept in message.items()}
    text = json.dumps({"x": clean, "pairs": [{"key": "token", "value": value}], "y": {"Api_Key": value}})
    if SECRET in json.dumps(clean):
        return
    if isinstance(value, str):
        text = text[:-1] + ', "last": ' + json.dumps({"value": value, "on": 1, "key": "token"}) + "}"
    cut = data.draw(st.integers(0, max(text.find('"last"'), 0) or len(text)))
    for told in (text, text[:cut], json.dumps(text), json.dumps({"wrapped": text})[:cut]):
        assert SECRET.encode() not in redacted(told.encode(), KEYS)


@given(inner)
def test_what_holds_no_secret_is_kept_as_it_is(value: Any) -> None:
    raw = json.dumps({"a": value, "keys": [{"key": "battery", "value": "1"}]}).encode()
    assert redacted(raw, KEYS) == raw
    assert redacted(raw, ()) is raw
