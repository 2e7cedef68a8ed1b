"""Where a recording breaks: each place is told in the quarantine, and what is missing is counted once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.quarantine import Ledger

MOST: Final = 100


class Breaks:
    """Collects what could not be read of one file, until it is known how many messages that cost."""

    def __init__(self, ledger: Ledger, member: str) -> None:
        self.ledger, self.member = ledger, member
        self.refused = self._count = 0
        self._told: list[tuple[Unreadable, int, bytes]] = []

    def add(self, error: Unreadable, offset: int = 0, raw: bytes = b"") -> None:
        """A part that cannot be read stands at `offset`; of many, the first are told and all are counted."""
        self._count += 1
        if self._count <= MOST:
            self._told.append((error, offset, raw[: self.ledger.raw_limit + 1]))

    @contextmanager
    def around(self, offset: int, raw: bytes) -> Iterator[None]:
        """Whatever goes wrong while a record at `offset` is read costs that record, and is told."""
        try:
            yield
        except Unreadable as error:
            self.add(error, offset, raw)
        except Exception as error:
            self.add(Unreadable("bad_record", f"{error!r}"[:200]), offset, raw)

    def close(self, read: int, told: int | None = None) -> None:
        """Count what is lost: the messages the file tells of (None: it does not) that were not `read`."""
        lost = max((told or 0) - read, 0)
        if lost and not self._told:
            self.add(Unreadable("messages_missing", f"{read} of {told} messages are there"))
        self.refused = max(lost, self._count)
        rest = self.refused - len(self._told)
        for place, (error, offset, raw) in enumerate(self._told):
            self.ledger.refuse_member(
                error.reason,
                raw,
                self.member,
                offset=offset,
                detail=str(error),
                count=1 + rest * (place == 0),
            )
