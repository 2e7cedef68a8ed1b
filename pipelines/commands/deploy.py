"""`forewarn deploy pachyderm|kubernetes`: the project as it stands, on a cluster."""

from pathlib import Path

from pipelines.client import Pachd
from pipelines.commands.output import print_json, say, say_next, stdout
from pipelines.deploy import pachyderm as review
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
