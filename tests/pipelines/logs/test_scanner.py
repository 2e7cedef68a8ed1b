"""The compiled scanner and the exact parser read the same, whatever a message holds."""

import json
import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.config import LimitsSection, LogsSection, RobotSection, StreamSection
from pipelines.logs import split
from pipelines.logs.finish import finish
from pipelines.logs.intake import Intake
from pipelines.logs.messages import MessageReader
from pipelines.logs.quarantine import Ledger
from pipelines.logs.scan.numbers import FLOAT, INT, ODD, number
from pipelines.logs.scan.tree import PADDING
from pipelines.logs.spool import Spool

SPECS = {
    "pose": StreamSection(
        path="pose", time="ts", recv="$.recv", fields={"x": "float", "n": "int", "ok": "bool", "s": "string"}
    ),
    "slow": StreamSection(
        path="pose", time="ts", where={"n": {"above": 1}}, fields={"deep": {"type": "float", "source": "a.b"}}
    ),
    "pairs": StreamSection(
        path="kv", pairs=True, time="ts", recv="$.recv", fields={"p": "float", "q": "string"}
    ),
    "root": StreamSection(time="recv", unit="s", fields={"x": "float"}),
    "iso": StreamSection(
        path="iso", time="when", unit="iso8601", time_zone="Europe/Berlin", fields={"x": "float"}
    ),
}
SPECS["dotted"] = StreamSection(
    path="'a.b'",
    time="'t.s'",
    recv="$.recv",
    fields={
        "one": {"type": "float", "source": "'x.y'"},
        "nested": {"type": "float", "source": "x.y"},
        "root": {"type": "float", "source": "$.'a.x'"},
    },
)
LOGS = LogsSection(robot=RobotSection(field="$.robot"), limits=LimitsSection(nesting=16))

awkward = st.sampled_from(
    [
        "0",
        "-0",
        "-0.0",
        "1e5",
        "1E+2",
        "0.1e-7",
        "1e400",
        "-1e-400",
        "9007199254740993",
        "01",
        "1.",
        ".5",
        "+1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551616",
        "1.0",
        "123456789012345678901234567890",
        "0.30000000000000004",
        "2.2250738585072014e-308",
        "NaN",
        "Infinity",
        "1772323225123",
        "1772323225.123456",
        "4.35",
        "5e-324",
        "1e23",
        "0.000012345678901234567",
        "tru",
        "nul",
        "true",
        "false",
        "null",
        '""',
        '"\\u0041\\ud83d\\ude00"',
        '"\\ud800"',
        '"a\\"b"',
        '"\\x"',
        '"é漢😀"',
        '"tab\t"',
        '"42.5"',
        '"\\"fw\\""',
        '"-1e3"',
        '"true"',
        '"null"',
        '"plain"',
        '"not"',
        '"[1]"',
        '" 7"',
        '"7 "',
        "[]",
        "{}",
        '[{"ts":5}]',
        '{"b":1.5}',
        '{"b":null}',
        '"2026-03-01T00:00:00Z"',
        '"2026-03-01 12:30:00.5"',
        '"2026-10-25 02:30:00"',
        '"2026-02-30T00:00:00Z"',
        '"2026-03-01T00:00:00.1234567891+01:00"',
        '"2026-03-01"',
    ]
)
spaces = st.sampled_from(["", "", "", " ", "\n", "\t ", "\r\n"])


@st.composite
def value(draw: Callable[..., Any], depth: int = 0) -> str:
    kind = draw(st.integers(0, 9))
    if kind < 6 or depth > 3:
        return draw(awkward)
    if kind == 6:
        return repr(draw(st.floats(allow_nan=False, allow_infinity=False)))
    if kind == 7:
        return json.dumps(draw(st.text(max_size=8)))
    if kind == 8:
        return "[" + ",".join(draw(st.lists(value(depth + 1), max_size=3))) + "]"
    return draw(an_object(st.sampled_from(["ts", "x", "n", "a", "b", "key", "value"]), depth + 1))


@st.composite
def an_object(draw: Callable[..., Any], keys: st.SearchStrategy[str], depth: int = 0) -> str:
    space = draw(spaces)
    pairs = draw(st.lists(st.tuples(keys, value(depth)), max_size=6))
    return (
        "{" + space + ("," + space).join(f'"{key}"{space}:{space}{text}' for key, text in pairs) + space + "}"
    )


@st.composite
def message(draw: Callable[..., Any]) -> bytes:
    parts = [
        f'"robot":"r{draw(st.integers(1, 2))}"',
        f'"recv":{draw(st.sampled_from(["1772323225", "1772323225.5", "null", "7"]))}',
    ]
    ts = st.sampled_from(["1772323225000", "1772323226000", "1772323226000.0", "null", '"x"', "1e30"])
    for _ in range(draw(st.integers(0, 3))):
        rows = draw(st.lists(an_object(st.sampled_from(["x", "n", "ok", "s", "a", "zz"])), max_size=3))
        rows = [
            row[:-1].rstrip() + ("," if row.strip("{} \n\t\r") else "") + f'"ts":{draw(ts)}' + "}"
            for row in rows
        ]
        parts.append(f'"pose":[{",".join(rows)}]' if draw(st.booleans()) else f'"pose":{draw(value())}')
    if draw(st.booleans()):
        pairs = [
            f'{{"key":"{draw(st.sampled_from(["p", "q", "other"]))}",'
            f'"value":{draw(value())},"ts":{draw(ts)}}}'
            for _ in range(draw(st.integers(0, 4)))
        ]
        parts.append(f'"kv":[{",".join(pairs)}]')
    if draw(st.booleans()):
        parts.append(f'"iso":{{"when":{draw(value())},"x":{draw(value())}}}')
    if draw(st.booleans()):
        inner = draw(an_object(st.sampled_from(["x.y", "x", "t.s", "y"])))
        parts.append(
            f'"a.b":[{inner},{{"t.s":{draw(ts)},"x.y":{draw(value())},"x":{{"y":{draw(value())}}}}}]'
        )
        parts.append(f'"a":{{"b":[{inner}],"x":{draw(value())}}},"a.x":{draw(value())}')
    if draw(st.booleans()):
        parts.append(f'"x":{draw(value())}')
    text = ("{" + ",".join(draw(st.permutations(parts))) + "}").encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 1))):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from([b"", b",", b"}", b"\xff", b"\x00", b" ", b'"', b"\\"]))
            + text[at + draw(st.integers(0, 2)) :]
        )
    return text


def tables(messages: list[bytes], *, exact: bool) -> tuple[Any, ...]:
    ledger = Ledger("file", 100)
    spool = Spool(SPECS)
    reader = MessageReader(SPECS, Intake("/file", LOGS, ledger, spool), exact=exact)
    reader.read(split.members(messages, lambda place: f"m{place}"))
    (found,) = spool.groups()
    streams = {name: finish(name, SPECS[name], parts, ledger) for name, parts in found.items()}
    return streams, ledger.quarantine(), ledger.accounting()


@settings(max_examples=60)
@given(st.lists(message(), min_size=1, max_size=6))
@example([b'{"robot":"r","recv":1772323225,"iso":{"when":"","x":0}}'])
@example([b'{"robot":"r","recv":1772323225,"iso":{"when":" 2026-03-01T12:30:00Z","x":0}}'])
def test_scanner_reads_what_the_exact_parser_reads(messages: list[bytes]) -> None:
    assert_same(tables(messages, exact=False), tables(messages, exact=True))


def assert_same(scanned: tuple[Any, ...], exact: tuple[Any, ...]) -> None:
    assert scanned[1].to_pylist() == exact[1].to_pylist()
    assert scanned[2].to_pylist() == exact[2].to_pylist()
    for name, table in scanned[0].items():
        assert table.equals(exact[0][name]), (name, table.to_pylist(), exact[0][name].to_pylist())


def test_plain_messages_do_not_need_the_exact_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise AssertionError("the exact parser was asked")

    plain = json.dumps(
        {
            "robot": "r1",
            "recv": 1772323225000,
            "pose": [{"ts": 1772323225000, "x": 0.1 + 0.2, "n": 3, "s": "ü"}],
        },
        ensure_ascii=False,
    )
    pairs = (
        '{"robot":"r1","kv":[{"key":"p","value":"5.5","ts":1772323225000},'
        '{"key":"q","value":"\\"fw\\"","ts":1772323225000}]}'
    )
    dots = (
        '{"robot":"r1","recv":1772323225000,"a":{"b":{"t.s":0},"x":8.5},"a.x":3.5,'
        '"a.b":{"t":{"s":0},"t.s":1772323225000,"x":{"y":2.5},"x.y":1.5}}'
    )
    monkeypatch.setattr(MessageReader, "_samples", lambda *_: [])
    monkeypatch.setattr("pipelines.logs.messages.parse_message", refuse)
    streams, quarantine, _ = tables([one.encode() for one in (plain, pairs, dots)], exact=False)
    assert streams["pose"].column("x").to_pylist() == [0.1 + 0.2]
    assert streams["pose"].column("s").to_pylist() == ["ü"]
    assert streams["pairs"].select(["p", "q"]).to_pylist() == [{"p": 5.5, "q": "fw"}]
    assert streams["dotted"].select(["one", "nested", "root"]).to_pylist() == [
        {"one": 1.5, "nested": 2.5, "root": 3.5}
    ]
    assert quarantine.column("reason").to_pylist() == [
        "time_out_of_range",
        "time_missing",
        "time_out_of_range",
    ]


def numbers(texts: list[str]) -> list[tuple[int, int, int, float]]:
    found = []
    for text in texts:
        raw = np.frombuffer(text.encode() + bytes(PADDING), np.uint8)
        found.append(number(raw, 0))
    return found


def test_numbers_are_what_python_says() -> None:
    rng = random.Random(5)
    texts = [
        "1e23",
        "9007199254740993.0",
        "4.35",
        "0.1",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "-0.0",
    ]
    for _ in range(20_000):
        texts.append(repr(struct.unpack("<d", rng.randbytes(8))[0]))
        texts.append(
            f"{rng.randrange(10 ** rng.randrange(1, 9))}.{rng.randrange(10 ** rng.randrange(1, 9))}"
            f"e{rng.randrange(-40, 40)}"
        )
    texts = [text for text in texts if text not in ("nan", "inf", "-inf")]
    for text, (end, kind, whole, real) in zip(texts, numbers(texts), strict=True):
        if kind == ODD:
            continue
        assert end == len(text)
        assert struct.pack("<d", real) == struct.pack("<d", float(text)), text
        assert kind == FLOAT or whole == int(text)
    assert sum(kind == ODD for _, kind, _, _ in numbers(texts)) < len(texts) // 50


@given(st.integers(-(2**64), 2**64))
def test_whole_numbers(whole: int) -> None:
    ((_, kind, found, _),) = numbers([str(whole)])
    assert (kind, found) == (INT, whole) if -(2**63) < whole < 2**63 else kind == ODD
