"""What a deployment to Pachyderm would change, in lines a person can review before anything happens."""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.client import Pachd
from pipelines.setup import CONFIG, Differences


def diff(pachd: Pachd, lacking: Differences) -> Iterator[str]:
    """Lines of a unified diff from what the cluster has to what the project says; none when equal.

    New repos, slices of the configuration and pipelines are diffs from nothing.
    """
    for repo in lacking.repos:
        yield f"+ repo {repo}"
    present = pachd.read_all(CONFIG) if lacking.slices and CONFIG not in lacking.repos else {}
    for path, content in sorted(lacking.slices.items()):
        yield from _unified(f"{CONFIG}{path}", _text(present.get(path)), _text(content))
    pipelines = pachd.pipelines()
    for spec in lacking.specs:
        name = spec["pipeline"]["name"]
        before = json.loads(pipelines[name]["spec"]) if name in pipelines else None
        yield from _unified(f"pipeline {name}", _pretty(before), _pretty(spec))


def _unified(what: str, before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"cluster: {what}", f"project: {what}", lineterm="", n=2
    )
    yield from lines


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode("utf-8", "replace")


def _pretty(spec: Mapping[str, Any] | None) -> str:
    return "" if spec is None else json.dumps(spec, indent=1, sort_keys=True)
