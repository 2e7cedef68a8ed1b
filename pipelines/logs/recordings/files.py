"""Reading the recordings of a pushed file: one by one, or as the bag they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from pipelines.config import StreamSection
from pipelines.logs.archives.single import content_blocks
from pipelines.logs.archives.unpack import GZIP, ZSTD, Unreadable
from pipelines.logs.intake import Intake
from pipelines.logs.quarantine import OTHER
from pipelines.logs.recordings.aside import File, head_of, ordered, plain_name
from pipelines.logs.recordings.bag_folder import METADATA, BagMetadata, parse_metadata
from pipelines.logs.recordings.breaks import Breaks
from pipelines.logs.recordings.kinds import ULOG, WAL
from pipelines.logs.recordings.messages import messages_of
from pipelines.logs.recordings.reader import RecordingReader


def read_recordings(files: Sequence[File], streams: Mapping[str, StreamSection], intake: Intake) -> None:
    """Add the records of every stream that names a topic; files of one folder are one bag."""
    job = _Job(streams, intake)
    bags: dict[str, list[File]] = {}
    for file in ordered(files):
        bags.setdefault(file.member.rpartition("/")[0], []).append(file)
    for _, bag in sorted(bags.items()):
        job.read_bag(bag)


class _Job:
    def __init__(self, streams: Mapping[str, StreamSection], intake: Intake) -> None:
        self.reader = RecordingReader(streams, intake)
        self._streams, self._intake, self._ledger = streams, intake, intake.ledger
        self._limits = intake.logs.limits

    def read_bag(self, files: Sequence[File]) -> None:
        """Files that stand side by side, and what their metadata tells of them."""
        told = [file for file in files if _name(file) == METADATA]
        metadata = self._metadata(told[0]) if told else BagMetadata()
        recordings = [file for file in files if file not in told]
        here = {plain_name(_name(file)) for file in recordings}
        missing = [name for name in metadata.files if plain_name(name) not in here]
        if told and (not recordings or len(missing) == len(metadata.files)):
            metadata, missing = replace(metadata, messages=None), []
            self._ledger.count(OTHER, accepted=1)
        found = sum(self._read(file, metadata) for file in recordings)
        for name in missing:
            self._ledger.refuse_member("bag_file_missing", b"", name, detail=f"{METADATA} tells of it")
        lost = (metadata.messages or 0) - found - len(missing)
        if lost > 0:
            detail = f"{METADATA} tells of {metadata.messages} messages, {found} were found"
            self._ledger.refuse_member("messages_missing", b"", told[0].member, detail=detail, count=lost)

    def _metadata(self, file: File) -> BagMetadata:
        raw = file.path.read_bytes()
        try:
            return parse_metadata(raw)
        except Unreadable as error:
            self._ledger.refuse_member(error.reason, raw, file.member, detail=str(error))
            return BagMetadata()

    def _read(self, file: File, metadata: BagMetadata) -> int:
        """Read one file; returns how many messages it accounts for, those that are lost too."""
        if not head_of(file.path).startswith((GZIP, ZSTD)):
            return self._read_plain(file, metadata)
        with NamedTemporaryFile() as unfolded:
            broken = 0
            try:
                for block in content_blocks(file.path, self._limits):
                    unfolded.write(block)
            except Unreadable as error:
                self._ledger.refuse_member(error.reason, b"", file.member, detail=str(error))
                broken = 1
            unfolded.flush()
            return broken + self._read_plain(File(file.member, Path(unfolded.name)), metadata)

    def _read_plain(self, file: File, metadata: BagMetadata) -> int:
        head = head_of(file.path)
        breaks = Breaks(self._ledger, file.member)
        before = self.reader.messages
        found = messages_of(file.path, self._limits, breaks, metadata.encodings)
        if found is not None:
            self.reader.read(found, file.member)
        elif head.startswith(ULOG):
            self._read_ulog(file)
        elif head.startswith(WAL):
            breaks.add(
                Unreadable("sqlite_wal", "messages SQLite has not yet moved into the bag: open it once")
            )
            breaks.close(0)
        else:
            breaks.add(Unreadable("bad_magic", f"{head[:8]!r} begins no recording"), raw=head)
            breaks.close(0)
        return self.reader.messages - before + breaks.refused

    def _read_ulog(self, file: File) -> None:
        from pipelines.logs.recordings.ulog_rows import ulog_rows

        longest = 0
        for rows in ulog_rows(file.path, file.member, self._streams, self._intake):
            rows.places = rows.places + self.reader.messages
            longest = max(longest, len(rows))
            self._intake.add(rows)
        self.reader.messages += longest


def _name(file: File) -> str:
    return file.member.rpartition("/")[2]
