"""Reads `--set key=value` options."""

from collections.abc import Iterable

from features.errors import UsageError


def parse_sets(options: Iterable[str]) -> dict[str, str]:
    """Key → value, the last of a key wins. Raises UsageError for one without `=`."""
    found = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not key or not equals:
            raise UsageError("a value to set has no =", got=option, expected="--set dask.worker.replicas=8")
        found[key] = value
    return found
