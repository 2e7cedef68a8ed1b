"""Bytes changed at random: no crash, no hang, and every message still accounted for.

The short run belongs to every commit; `-m long` runs thousands. Recordings have a run of their own.
"""

import gzip
import io
import json
import random
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from pipelines.config import RobotSection, StreamSection, load_config, parse_config
from pipelines.demo.messages import Clocks, day_messages
from pipelines.demo.plan import plan_robot
from pipelines.logs.extract import Extraction, ExtractSettings, extract
from tests.abuse.watch import watched
from tests.conftest import Tally

from .conftest import balanced, packed, workbook, zipped
from .test_hostile import tarred

START_MS = 1_772_323_200_000
MESSAGES = 40
SHORT, LONG = 12, 1_000
CAP_MIB = 300
"""What one file of a few kilobytes may add to the memory."""


@pytest.fixture(scope="module")
def texts() -> list[bytes]:
    """Messages of a synthetic robot's morning."""
    plan = plan_robot(1, robots=2, days=1, seed=7)
    found = day_messages(plan, 0, start_ms=START_MS, seed=7, clocks=Clocks())
    return [message.text.encode() for message in islice(found, MESSAGES)]


@pytest.fixture(scope="module")
def originals(texts: list[bytes]) -> dict[str, bytes]:
    """One file of every container, by the path it is pushed as."""
    members = {f"{tick:03}.json.gz": packed(text) for tick, text in enumerate(texts)}
    plain = {f"{tick:03}.json": text for tick, text in enumerate(texts)}
    rows = [["when", "robot", "volt"]]
    rows += [[f"2026-03-01 09:00:{tick:02}", "amr", f"{tick}.5"] for tick in range(MESSAGES)]
    table = pa.table(dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True)))
    pq.write_table(table, file := io.BytesIO(), row_group_size=10)
    return {
        "/msg/stored.zip": zipped(members),
        "/msg/deflated.zip": zipped(plain, 8),
        "/msg/plain.tar": tarred(plain),
        "/msg/packed.tar.gz": gzip.compress(tarred(members), mtime=0),
        "/msg/lines.jsonl": b"\n".join(texts),
        "/msg/lines.jsonl.gz": gzip.compress(b"\n".join(texts), mtime=0),
        "/msg/lines.jsonl.zst": zstandard.compress(b"\n".join(texts)),
        "/msg/list.json": b"[" + b",".join(texts) + b"]",
        "/day/table.csv": "".join(",".join(row) + "\n" for row in rows).encode(),
        "/day/table.xlsx": workbook(rows, method=0),
        "/day/table.parquet": file.getvalue(),
    }


def mutations(original: bytes, seed: int) -> Iterator[bytes]:
    """Endless variations: bits flipped, bytes overwritten, pieces cut, doubled or moved, ends cut off."""
    draw = random.Random(seed)
    while True:
        raw = bytearray(original)
        for _ in range(draw.choice((1, 1, 2, 8))):
            at, size = draw.randrange(len(raw) + 1), draw.choice((1, 2, 4, 30, 400))
            match draw.randrange(7):
                case 0 if at < len(raw):
                    raw[at] ^= 1 << draw.randrange(8)
                case 1:
                    raw[at : at + size] = draw.randbytes(len(raw[at : at + size]))
                case 2:
                    del raw[at : at + size]
                case 3:
                    raw[at:at] = raw[at : at + size]
                case 4:
                    del raw[at:]
                case 5:
                    raw[at : at + 4] = draw.choice((b"\0" * 4, b"\xff" * 4, b"PK\x03\x04", b"1e99", b'"\\u0'))
                case _:
                    raw += raw[at : at + size]
        yield bytes(raw)


@pytest.fixture(scope="module")
def how() -> ExtractSettings:
    """The demo's streams, and one of the table's."""
    config = parse_config(files("pipelines.demo").joinpath("forewarn.toml").read_text("utf-8"))
    table = StreamSection.model_validate(
        {
            "files": "table.*",
            "robot": {"field": "robot"},
            "time": "when",
            "unit": "iso8601",
            "time_zone": "UTC",
            "fields": {"volt": "float"},
        }
    )
    messages = {name: spec.model_copy(update={"files": "msg/*"}) for name, spec in config.streams.items()}
    logs = config.logs.model_copy(update={"robot": RobotSection(field="$.robotId")})
    return ExtractSettings(logs, messages | {"power": table})


def survives(raw: bytes, name: str, how: ExtractSettings, folder: Path) -> Extraction:
    """Extract what was changed; it must balance, and nothing of an archive may be missing in silence."""
    file = folder / name.rpartition("/")[2]
    file.write_bytes(raw)
    found = extract(file, name, how)
    balanced(found)
    read = sum(
        row["accepted"] + row["duplicates"] for row in found.accounting.to_pylist() if row["unit"] == "member"
    )
    if name.endswith((".zip", ".tar", ".tar.gz", ".gz", ".zst")) and read < MESSAGES:
        assert found.quarantine.num_rows, f"{read} of {MESSAGES} read, and not a word why"
    return found


def run(originals: dict[str, bytes], how: ExtractSettings, folder: Path, rounds: int, seed: int) -> int:
    """Read so many mutations of each; how many."""
    for name, original in originals.items():
        for number, raw in enumerate(islice(mutations(original, seed), rounds)):
            try:
                with watched(CAP_MIB):
                    survives(raw, name, how, folder)
            except BaseException as error:
                kept = folder / f"failed-{number}-{name.rpartition('/')[2]}"
                kept.write_bytes(raw)
                raise AssertionError(f"mutation {number} of {name} (seed {seed}), kept as {kept}") from error
    return rounds * len(originals)


def test_the_originals_are_read_whole(originals, how, tmp_path):
    for name, raw in originals.items():
        found = survives(raw, name, how, tmp_path)
        assert not found.quarantine.num_rows, (name, found.quarantine.to_pylist()[0])
        wanted = {"power": MESSAGES} if name.startswith("/day/") else {"status": MESSAGES}
        assert {stream: found.streams[stream].num_rows for stream in wanted} == wanted, name


def test_a_few_mutations(originals, how, tmp_path, tally: Tally):
    tally("mutated archives, messages, tables", run(originals, how, tmp_path, SHORT, seed=1))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_mutations(originals, how, tmp_path, seed, tally: Tally):
    tally("mutated archives, messages, tables", run(originals, how, tmp_path, LONG, seed))


@settings_of(max_examples=60)
@given(
    raw=st.binary(max_size=400), ending=st.sampled_from([".zip", ".tar", ".json", ".jsonl", ".gz", ".csv"])
)
@example(raw=b"PK\x05\x06" + bytes(18), ending=".zip")
@example(raw=bytes(1024), ending=".tar")
@example(raw=bytes(257) + b"ustar" + bytes(250), ending=".tar")
def test_any_bytes_are_taken(raw, ending, how, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    (folder / f"x{ending}").write_bytes(raw)
    balanced(extract(folder / f"x{ending}", f"/msg/x{ending}", how))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["robotId", "ts", "recvTs", "pose", "x", "keyValues", "key", "value",
                                       "mission", "state", "errors", "code"]), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@settings_of(max_examples=150)
@given(values=st.lists(JSON, min_size=1, max_size=6))
def test_any_json_is_taken_and_every_message_counted(values, how, tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")
    file = folder / "x.jsonl"
    file.write_bytes(b"\n".join(json.dumps(value).encode("utf-8", "surrogatepass") for value in values))
    found = extract(file, "/msg/x.jsonl", how)
    balanced(found)
    (members,) = (row for row in found.accounting.to_pylist() if row["unit"] == "member")
    assert members["received"] == len(values)


REAL = {
    "ur3_cobotops/dataset.xlsx": ("ur3_cobotops", 2),
    "azure_pdm_20x90d/PdM_errors.csv": ("azure_pdm", 100),
    "azure_pdm_20x90d/PdM_machines.csv": ("azure_pdm", 100),
    "vda5050/sample_mixed.log": ("vda5050", 1_000),
}


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
def test_mutations_of_what_others_wrote(name, shared_data, tmp_path, tally: Tally):
    if not (shared_data / name).is_file():
        pytest.skip(f"no {name} at {shared_data}")
    example, rounds = REAL[name]
    config = Path(__file__).parents[3] / "examples" / example / "forewarn.toml"
    how = ExtractSettings.from_json(load_config(config).step_files["extract"])
    file = Path(name).name
    originals = {f"/{file}": (shared_data / name).read_bytes()}
    tally("mutated archives, messages, tables", run(originals, how, tmp_path, rounds, seed=3))
