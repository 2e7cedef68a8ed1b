"""Libraries for recordings are extras of the distribution: without one, say which."""

from collections.abc import Iterator
from contextlib import contextmanager

from features.errors import UsageError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Imports that need `forewarn[name]`. Raises UsageError where they are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            "a library for these recordings is not installed",
            got=f"no module {error.name}",
            hint=f"pip install 'forewarn[{name}]'",
        ) from error
