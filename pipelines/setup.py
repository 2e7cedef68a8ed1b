"""Brings repos, configuration and pipelines of a pachd in line with a project, touching only what differs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.client import Pachd
from pipelines.config import Config
from pipelines.feedback import LABELS, labels
from pipelines.specs import REPOS, load_specs

CONFIG: Final = "config"
MODELS: Final = "models"
NOBODY: Final = b'{"champion": null, "promoted": []}\n'
DESCRIPTIONS: Final = {
    MODELS: "no champion: the newest model serves",
    LABELS: "verdicts",
    CONFIG: "forewarn.toml",
}


@dataclass(frozen=True)
class Differences:
    """What a pachd lacks of a project.

    repos: those to create. slices: path in the repo config → content, changed or new. serving: whether the
    repo models lacks its first commit, without which nothing trains. labels: path in the repo labels → what
    feedback says, where that is not there. specs: pipelines to create or update, in the order data flows;
    existing: the names of those that are there.
    """

    repos: tuple[str, ...]
    slices: Mapping[str, bytes]
    serving: bool
    labels: Mapping[str, bytes]
    specs: tuple[Mapping[str, Any], ...]
    existing: frozenset[str]

    @property
    def puts(self) -> Mapping[str, Mapping[str, bytes]]:
        """Repo → path → content to commit before the specs."""
        first = {MODELS: {"/serving.json": NOBODY}} if self.serving else {}
        told = {LABELS: self.labels} if self.labels else {}
        return first | told | ({CONFIG: self.slices} if self.slices else {})


def compare(pachd: Pachd, config: Config) -> Differences:
    """Compare a pachd with a project's configuration, changing nothing."""
    repos = tuple(repo for repo in REPOS if not pachd.has_repo(repo))
    slices = {f"/{step}.json": _bytes(value) for step, value in config.step_files.items()}
    present = pachd.read_all(CONFIG) if CONFIG not in repos and pachd.head(CONFIG) else {}
    existing = pachd.pipelines()
    return Differences(
        repos=repos,
        serving=MODELS in repos or pachd.head(MODELS) is None,
        labels=labels(pachd),
        slices={path: content for path, content in slices.items() if present.get(path) != content},
        specs=tuple(
            spec
            for name, spec in load_specs(config).items()
            if name not in existing or json.loads(existing[name]["spec"]) != spec
        ),
        existing=frozenset(existing),
    )


def set_up(pachd: Pachd, config: Config) -> list[str]:
    """Create what is missing and update what changed; a line for each change."""
    return list(apply(pachd, compare(pachd, config)))


def apply(pachd: Pachd, lacking: Differences) -> Iterator[str]:
    """Make the changes one by one, with a line after each; one that was killed is taken up where it ended.

    The configuration is committed before pipelines are created, so that the first job already has it.
    """
    for repo in lacking.repos:
        if pachd.create_repo(repo):
            yield f"created repo {repo}"
    for repo, files in lacking.puts.items():
        pachd.drop_abandoned(repo)
        pachd.put(repo, dict(files), description=DESCRIPTIONS[repo])
    for path in sorted(lacking.slices):
        yield f"configuration of {path[1:-5]} changed"
    for spec in lacking.specs:
        name = spec["pipeline"]["name"]
        pachd.create_pipeline(json.dumps(spec), update=name in lacking.existing)
        yield f"{'updated' if name in lacking.existing else 'created'} pipeline {name}"


def _bytes(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()
