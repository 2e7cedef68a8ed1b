"""`forewarn deploy pachyderm|kubernetes`: the project as it stands, on a cluster."""

from pathlib import Path

import yaml

from pipelines.client import Pachd
from pipelines.commands.output import print_json, say, say_next, stdout
from pipelines.commands.values import parse_sets
from pipelines.config import CONFIG_NAME
from pipelines.deploy import pachyderm as review
from pipelines.deploy.chart import render
from pipelines.deploy.kube import Kube
from pipelines.deploy.ready import wait_ready
from pipelines.deploy.release import apply as apply_release
from pipelines.project import Project
from pipelines.setup import apply, compare


def pachyderm(*, project: Path | None, address: str, dry_run: bool, json: bool) -> None:
    """Show what differs, then create and update repos, configuration and pipelines on a Pachyderm cluster.

    With nothing to change nothing is written. Raises DataError for a wrong configuration, ForewarnError when
    nobody answers at `address`.
    """
    config = Project.find(project).config
    pachd = Pachd.at(address)
    lacking = compare(pachd, config)
    lines = list(review.diff(pachd, lacking))
    if not json:
        for line in lines:
            stdout.print(line, markup=False)
    changes = []
    if not dry_run:
        for change in apply(pachd, lacking):
            say(change)
            changes.append(change)
    if json:
        print_json({"address": address, "diff": lines, "changes": changes})
    if not lines:
        say(f"the cluster at {address} already is as the project says")
    elif dry_run:
        say_next(f"forewarn deploy pachyderm --address {address}")
    else:
        say_next(f"PACHD_ADDRESS={address} forewarn push PATH")


def kubernetes(
    *,
    project: Path | None,
    release: str,
    namespace: str | None,
    context: str | None,
    chart: Path | None,
    values: Path | None,
    sets: list[str],
    force: bool,
    dry_run: bool,
    timeout: float,
    json: bool,
) -> None:
    """Apply the chart with the project's forewarn.toml and wait until all of it is ready.

    `dry_run` prints the manifests as YAML and reaches no cluster. Raises what `Kube`, `render` and
    `wait_ready` raise.
    """
    found = Project.find(project)
    _ = found.config
    given = parse_sets(sets)
    toml = found.folder / CONFIG_NAME
    if dry_run:
        manifests = render(
            release, namespace or "default", chart=chart, values=values, sets=given, project=toml
        )
        stdout.print(yaml.safe_dump_all(manifests, sort_keys=False), markup=False, end="")
        return
    kube = Kube.connect(context=context, namespace=namespace, timeout_s=timeout)
    manifests = render(release, kube.namespace, chart=chart, values=values, sets=given, project=toml)
    apply_release(kube, manifests, force=force, tell=say)
    wait_ready(kube, manifests, timeout_s=timeout, tell=say)
    if json:
        print_json({"release": release, "namespace": kube.namespace, "applied": len(manifests)})
    say_next(f"kubectl -n {kube.namespace} port-forward svc/{release}-engine 30650 8650")
