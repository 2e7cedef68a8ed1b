"""Brings repos, configuration and pipelines of a pachd in line with a project, touching only what differs."""

import json

from pipelines.client import Pachd
from pipelines.config import Config
from pipelines.specs import REPOS, load_specs


def set_up(pachd: Pachd, config: Config) -> list[str]:
    """Create what is missing and update what changed; a line for each change.

    The configuration is committed before pipelines are created, so that the first job already has it.
    """
    changes = [f"created repo {repo}" for repo in REPOS if pachd.create_repo(repo)]
    slices = {f"/{step}.json": _bytes(value) for step, value in config.step_files.items()}
    present = pachd.read_all("config") if pachd.head("config") else {}
    changed = {path: content for path, content in slices.items() if present.get(path) != content}
    if changed:
        pachd.put("config", dict(changed), description="forewarn.toml")
        changes += [f"configuration of {path[1:-5]} changed" for path in sorted(changed)]
    existing = pachd.pipelines()
    for name, spec in load_specs(config).items():
        if name not in existing:
            pachd.create_pipeline(json.dumps(spec))
            changes.append(f"created pipeline {name}")
        elif json.loads(existing[name]["spec"]) != spec:
            pachd.create_pipeline(json.dumps(spec), update=True)
            changes.append(f"updated pipeline {name}")
    return changes


def _bytes(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()
