"""A folder for what memory is not to hold, made when it is first needed: most files need none."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

Scratch = Callable[[], Path]


@contextmanager
def scratch_folder() -> Iterator[Scratch]:
    """Gives the folder, the same at every call; it goes at the end."""
    with ExitStack() as made:
        yield cache(lambda: Path(made.enter_context(TemporaryDirectory())))
