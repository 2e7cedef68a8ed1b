"""How commands speak: one JSON value or readable lines on stdout, progress and logs on stderr."""

import logging
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import msgspec
import structlog
from rich.console import Console
from rich.table import Table

WIDE: Final = 400
stdout = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


class _Stderr:
    """What stderr is now; that its reader is gone must not end the work that is told of."""

    def write(self, text: str) -> None:
        """Write, if somebody still reads."""
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, likewise."""
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def log_to_stderr(least: int = logging.WARNING) -> None:
    """Structured log lines on stderr, with plain tracebacks: stdout belongs to the answer.

    least: the level a line must have; a daemon also tells which jobs begin and end.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(least),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
    )


def print_json(value: Any) -> None:
    """One JSON value on stdout; dataclasses as objects, times in ISO 8601."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns, nothing else, so that `grep` and `awk` work; those named `…#` hold numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        name = column.removesuffix("#")
        table.add_column(name.rstrip(), no_wrap=True, justify="left" if name == column else "right")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    stdout.print(table)


def say(line: str) -> None:
    """A line for a person, on stderr."""
    stderr.print(line, markup=False)


def say_next(command: str) -> None:
    """Name the command that usually follows."""
    stderr.print(f"next: {command}", markup=False, style="bold" if stderr.is_terminal else "")


def shortened(text: str, width: int = 120) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
