"""Folders in memory: what a kill, a flipped bit or a simulated disk does to a folder needs no real disk."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


def in_memory() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory, on disk where there is no such place."""
    return tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


@pytest.fixture
def memory() -> Iterator[Path]:
    """An empty folder for one test."""
    with in_memory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def shared_memory() -> Iterator[Path]:
    """An empty folder for the tests of a module."""
    with in_memory() as folder:
        yield Path(folder)
