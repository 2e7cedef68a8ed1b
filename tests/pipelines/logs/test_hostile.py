"""Archives made to harm, and archives that were harmed: each costs what is bad of it, with a reason."""

import bz2
import gzip
import io
import json
import struct
import tarfile
import zipfile
from itertools import permutations

import pytest

from pipelines.logs.extract import extract

from .conftest import balanced, packed, reasons, settings, zipped

NOON = 1_772_366_400_000


def message(tick: int, **more):
    return {"robot": "amr", "ts": NOON + tick, "power": {"level": float(tick)}, **more}


def plain(tick: int) -> bytes:
    return json.dumps(message(tick)).encode()


def levels(found) -> list[float]:
    return found.streams["state"].column("level").to_pylist()


def tarred(members: dict[str, bytes], *infos: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in infos:
            archive.addfile(info)
    return file.getvalue()


def only_state(**logs):
    return settings(
        {"state": {"time": "ts", "fields": {"level": {"type": "float", "source": "power.level"}}}}, **logs
    )


@pytest.fixture
def take(read):
    """Extract with the one stream of these tests."""
    return lambda content, name="/day/amr.zip", **logs: read(content, name, only_state(**logs))


GOOD = {"1.json": plain(1), "2.json": plain(2), "3.json": plain(3)}


def test_gzip_streams_one_after_the_other_in_a_member_are_all_read(take):
    streams = [gzip.compress(plain(tick) + b"\n", mtime=0) for tick in (1, 2, 3)]
    found = take(zipped({"1.json.gz": b"".join(streams), "2.json.gz": gzip.compress(plain(4), mtime=0)}))
    assert levels(found) == [1.0, 2.0, 3.0, 4.0]
    balanced(found)


@pytest.mark.parametrize(
    ("limits", "kept", "reason"),
    [
        ({"entries": 2}, [1.0, 2.0], "too_many_entries"),
        ({"total_bytes": 150}, [1.0, 2.0], "total_too_large"),
    ],
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_what_lies_beyond_a_limit_of_the_whole_is_told_once_and_counted(take, pack, limits, kept, reason):
    found = take(pack(GOOD), f"/day/amr.{'zip' if pack is zipped else 'tar'}", limits=limits)
    assert levels(found) == kept
    assert reasons(found) == [reason]
    assert (
        found.accounting.to_pylist()[0] | {"unit": "member", "received": 3, "quarantined": 1}
        == (found.accounting.to_pylist()[0])
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"entry_bytes": 5_000}, "entry_too_large"), ({"compression_ratio": 50}, "compression_ratio")],
)
def test_a_bomb_costs_itself(take, method, limits, reason):
    bomb = gzip.compress(b'{"a":"' + b"0" * 1_000_000 + b'"}')
    found = take(zipped({"1.json": plain(1), "2.json.gz": bomb}, method), limits=limits)
    assert levels(found) == [1.0]
    assert reasons(found) == [reason]


@pytest.mark.parametrize("declared", [0, 60, 0xFFFF_FFF0])
def test_a_declared_size_is_not_believed(take, declared):
    raw = bytearray(
        zipped({"1.json": b'{"a":"' + b"0" * 100_000 + b'"}', "2.json": plain(2)}, zipfile.ZIP_DEFLATED)
    )
    place = raw.index(b"PK\x01\x02") + 24
    raw[place : place + 4] = struct.pack("<I", declared)
    found = take(bytes(raw))
    assert levels(found) == [2.0]
    assert reasons(found)[0] in ("size_mismatch", "entry_too_large", "compression_ratio")


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../up.json", "a/../../b.json", "C:/x.json", "..\\x.json"]
)
def test_names_that_escape_are_refused(take, pack, name):
    found = take(pack({name: plain(1), "2.json": plain(2)}), f"/day/amr.{'zip' if pack is zipped else 'tar'}")
    assert levels(found) == [2.0]
    assert reasons(found) == ["path_escapes"]


def test_a_nul_in_a_name_is_refused(take):
    raw = zipped({"1_.json": plain(1), "2.json": plain(2)}).replace(b"1_.json", b"1\0.json")
    found = take(raw)
    assert (levels(found), reasons(found)) == ([2.0], ["nul_in_name"])


def test_of_members_of_one_name_equal_ones_count_as_duplicates_and_others_are_refused(take):
    def twice(second: bytes) -> bytes:
        return zipped({"1.json": plain(1), "2.json": second, "3.json": plain(3)}).replace(
            b"2.json", b"1.json"
        )

    found = take(twice(plain(1)))
    assert (levels(found), reasons(found)) == ([1.0, 3.0], [])
    assert found.accounting.to_pylist()[0]["duplicates"] == 1
    found = take(twice(plain(2)))
    assert (levels(found), reasons(found)) == ([3.0], ["name_collision", "name_collision"])


def test_links_and_devices_are_refused(take):
    link, hard, device = (tarfile.TarInfo(name) for name in ("l.json", "h.json", "d.json"))
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "1.json"
    device.type = tarfile.CHRTYPE
    found = take(tarred(GOOD, link, hard, device), "/day/amr.tar")
    assert (levels(found), reasons(found)) == ([1.0, 2.0, 3.0], ["link", "link", "not_a_file"])
    info = zipfile.ZipInfo("l.json")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    file = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    found = take(file.getvalue())
    assert (levels(found), reasons(found)) == ([1.0, 2.0, 3.0], ["link"])


def test_a_folders_links_are_refused(tmp_path):
    day = tmp_path / "day"
    day.mkdir()
    (day / "1.json").write_bytes(plain(1))
    (tmp_path / "secret.json").write_bytes(plain(9))
    (day / "2.json").symlink_to(tmp_path / "secret.json")
    (day / "3").symlink_to(tmp_path, target_is_directory=True)
    found = extract(day, "/day", only_state())
    balanced(found)
    assert (levels(found), reasons(found)) == ([1.0], ["link", "link"])


def test_overlapping_members_are_refused(take):
    """A member within another's bytes, as in bombs without nesting."""
    inner = zipped({"2.json": plain(2)})
    raw = bytearray(
        zipped({"1.json": inner[: inner.index(b"PK\x01\x02")], "2.json": plain(2), "3.json": plain(3)})
    )
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    raw[second + 42 : second + 46] = struct.pack("<I", 30 + len("1.json"))
    found = take(bytes(raw))
    assert (levels(found), reasons(found)) == ([3.0], ["not_utf8", "overlapping_entries"])


def test_a_damaged_header_in_a_tar_is_told(take):
    raw = bytearray(tarred(GOOD))
    raw[1024:1100] = bytes(range(76))
    found = take(bytes(raw), "/day/amr.tar")
    assert (levels(found), reasons(found)) == ([1.0, 3.0], ["archive_unreadable"])


def test_an_archive_in_an_archive_is_not_opened(take):
    found = take(
        zipped(
            {"1.json": plain(1), "in.zip": zipped(GOOD), "in.tar": tarred(GOOD), "n.bz2": bz2.compress(b"{}")}
        )
    )
    assert levels(found) == [1.0]
    assert len(reasons(found)) == 3


@pytest.mark.parametrize("limit", [0, 60, 150, 250])
def test_zip64_by_whatever_part_made_it_so(take, monkeypatch, limit):
    """Beyond 2 GiB `zipfile` writes a ZIP64 directory although 32 bits still hold every number."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    raw = zipped(GOOD)
    assert b"PK\x06\x07" in raw
    found = take(raw)
    assert (levels(found), reasons(found)) == ([1.0, 2.0, 3.0], [])


def test_encrypted_and_unknown_methods_are_refused(take):
    raw = bytearray(zipped(GOOD))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    assert reasons(take(bytes(raw))) == ["encrypted"]
    assert (
        reasons(take(zipped({"1.json": plain(1), "2.json": plain(2)}, zipfile.ZIP_LZMA)))
        == ["compression_unknown"] * 2
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"robot":"amr","ts":%d,"power":{"level":NaN}}' % NOON, "not_finite"),
        (b'{"robot":"amr","ts":%d,"power":{"level":-Infinity}}' % NOON, "not_finite"),
        (b'{"robot":"amr","ts":%d,"power":{"level":1e999}}' % NOON, "not_finite"),
        (b'{"robot":"amr","ts":%d,"power":{"level":"1"}}' % NOON, "type_mismatch"),
        (b'{"robot":"amr","ts":92233720368547758080000}', "time_out_of_range"),
        (b'{"robot":"amr","ts":-1}', "time_out_of_range"),
        (b'{"robot":"amr","ts":253402300800000}', "time_out_of_range"),
        (b'{"robot":"amr","ts":null}', "time_missing"),
        (b'{"robot":"amr","ts":"soon"}', "time_invalid"),
        (b'{"ts":%d}' % NOON, "robot_missing"),
        (b'{"robot":"amr","ts":%d,"a":' % NOON + b"[" * 100 + b"]" * 100 + b"}", "too_deep"),
        (b'{"robot":"amr","ts":%d' % NOON, "bad_json"),
        (b'{"robot":"\xff","ts":%d}' % NOON, "not_utf8"),
        ('{"robot":"amr"}'.encode("utf-16"), "not_utf8"),
        (b"<xml/>", "not_json"),
        (b"7", "not_an_object"),
        (b"", "not_json"),
    ],
)
def test_a_bad_message_costs_itself(take, text, reason):
    found = take(zipped({"1.json": plain(1), "2.json": text, "3.json": plain(3)}))
    assert (levels(found), reasons(found)) == ([1.0, 3.0], [reason])


def test_numbers_beyond_64_bits_cost_their_record_and_the_last_of_a_repeated_key_counts(read):
    how = settings({"n": {"time": "ts", "fields": {"n": "int"}}})
    texts = [b'"n":9223372036854775807', b'"n":9223372036854775808', b'"n":1,"n":2']
    lines = [b'{"robot":"amr","ts":%d,%s}' % (NOON + tick, text) for tick, text in enumerate(texts)]
    found = read(b"\n".join(lines), "/day/amr.jsonl", how)
    assert found.streams["n"].column("n").to_pylist() == [2**63 - 1, 2]
    assert reasons(found) == ["number_beyond_64_bits"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_archive_is_read_as_far_as_it_goes(take, share):
    members = {f"{tick:03}.json": plain(tick) for tick in range(100)}
    for content, name in [
        (zipped(members), "/day/amr.zip"),
        (tarred(members), "/day/amr.tar"),
        (gzip.compress(tarred(members)), "/day/amr.tar.gz"),
        (gzip.compress(b"\n".join(members.values())), "/day/amr.jsonl.gz"),
    ]:
        found = take(content[: int(len(content) * share)], name)
        assert levels(found) == [float(tick) for tick in range(len(levels(found)))]
        assert len(levels(found)) >= int(100 * share) - 40, name
        assert reasons(found) or len(levels(found)) == 100, name


def test_the_order_of_members_does_not_matter(take):
    members = [(f"{tick}.json", packed(message(tick % 3, power={"level": float(tick)}))) for tick in range(4)]
    found = [take(zipped(dict(order))) for order in permutations(members)]
    assert all(one.streams["state"].equals(found[0].streams["state"]) for one in found)
    assert take(tarred(dict(members)), "/day/amr.tar").streams["state"].equals(found[0].streams["state"])


@pytest.mark.parametrize("name", ["/day/amr.jsonl.gz", "/day/amr.jsonl.zst", "/day/amr.zip"])
def test_an_empty_file_that_should_be_compressed_is_told(take, name):
    assert reasons(take(b"", name)) == ["empty_file"]
    assert reasons(take(b"", "/day/amr.jsonl")) == []


def test_limits_are_settings(take):
    late = zipped({"1.json": plain(1), "2.json": plain(2)})
    assert reasons(take(late, limits={"latest": "2026-03-01T12:00:00.002Z"})) == ["time_out_of_range"]
    assert reasons(take(zipped({"1.json": plain(1)}), limits={"nesting": 1})) == ["too_deep"]
    bad = take(zipped({"1.json": b"x" * 50}), limits={"raw_bytes": 10}).quarantine.to_pylist()[0]
    assert (bad["raw"], bad["raw_bytes"]) == (b"x" * 10, 50)
