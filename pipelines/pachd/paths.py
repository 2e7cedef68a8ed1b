"""Paths inside a repo: one spelling for each file, and none that a glob pattern could mistake."""

import re
from typing import Final

from features.errors import DataError

_REFUSED: Final = re.compile(r"[^ -~]|[*?\[\]{}!()@+^]")


def canonical(path: str) -> str:
    """`path` as "/a/b", "/" for the root; raises DataError for names Pachyderm refuses."""
    names = [name for name in path.split("/") if name]
    if bad := _REFUSED.search(path):
        raise DataError(
            f"the path {path!r} holds {bad[0]!r}",
            expected="printable ASCII without any of * ? [ ] { } ! ( ) @ + ^",
            hint="percent-encode the character, such as %2A for *",
        )
    if "." in names or ".." in names:
        raise DataError(
            f"the path {path!r} has a '.' or '..' segment", expected="a path such as /robot/day.zip"
        )
    return "/" + "/".join(names)


def parts(path: str) -> list[str]:
    """The names of a canonical path, none for the root."""
    return path[1:].split("/") if len(path) > 1 else []
