"""What commands that learn read: the newest outputs of some pipelines, on local disk."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from features.errors import NotFoundError
from pipelines.client import Pachd


def download_newest(
    pachd: Pachd, inputs: Sequence[tuple[str, str, str]], scratch: Path, *, lacking: str
) -> str:
    """Copy (repo, path in it, folder below `scratch`) of the newest commits; the id of the first repo's.

    A path that is not there is left out. Raises NotFoundError, saying what is `lacking`, when the first
    repo's pipeline has made nothing yet.
    """
    first = inputs[0][0]
    commit = pachd.head(first) if first in pachd.pipelines() else None
    if commit is None:
        raise NotFoundError(lacking, hint="forewarn push PATH")
    for repo, path, name in inputs:
        with suppress(NotFoundError):
            pachd.download(repo, path, scratch / name)
    return commit
