import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.logs.extract import ExtractSettings
from pipelines.logs.find import find_messages

STREAM = {"time": "t", "unit": "s", "fields": {"x": "float"}}


def settings(**logs: object) -> ExtractSettings:
    return ExtractSettings.from_json(
        {"logs": {"robot": {"field": "robot"}, "redact": ["key"], **logs}, "streams": {"pose": STREAM}}
    )


def ns(seconds: int) -> int:
    return seconds * 1_000_000_000


@given(
    times=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1_600_000_000, 1_600_000_020)), max_size=20)
)
def test_the_records_of_a_robot_in_a_span_and_the_lines_they_stand_in(
    tmp_path_factory: object, times: list[tuple[str, int]]
) -> None:
    file = Path(tmp_path_factory.mktemp("find")) / "poses.jsonl"  # type: ignore[attr-defined]
    file.write_text("".join(json.dumps({"robot": r, "t": t, "x": 1.5}) + "\n" for r, t in times))
    start, end = 1_600_000_005, 1_600_000_012
    found = find_messages(file, "/poses.jsonl", settings(), robot="a", start=ns(start), end=ns(end))
    expected = [(ns(t), line) for line, (r, t) in enumerate(times, 1) if r == "a" and start < t <= end]
    assert [(message.ts, message.line) for message in found] == sorted(expected)
    assert all(json.loads(message.raw)["t"] * 10**9 == message.ts for message in found)


def test_members_are_named_and_secrets_masked(tmp_path: Path) -> None:
    archive = tmp_path / "day.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(3):
            text = json.dumps({"robot": "a", "t": 1_600_000_000 + number, "x": number, "key": "secret"})
            file.writestr(f"m{number}.json.gz", gzip.compress(text.encode()))
    found = find_messages(archive, "/day.zip", settings(), robot="a", start=ns(1_600_000_000), end=2 * 10**18)
    assert [message.member for message in found] == ["m1.json.gz", "m2.json.gz"]
    assert {message.file for message in found} == {"/day.zip"}
    assert not any("secret" in message.raw for message in found)
    assert np.diff([message.ts for message in found]).tolist() == [10**9]
