"""Pachyderm pipeline specs, the same for the embedded engine and a cluster.

The JSON files are complete specs; `load_specs` fills in what a project's configuration decides: how pushed
files are cut into datums, how many workers, and what a cluster gives each of them.
"""

import json
from importlib.resources import files
from typing import Any, Final

from pipelines.config import Config

STEPS: Final = ("extract", "join", "features", "train", "score", "report")
REPOS: Final = ("logs", "config", "models", "labels")


def load_specs(config: Config) -> dict[str, dict[str, Any]]:
    """Spec of each step, in the order data flows through them."""
    specs = {
        step: json.loads(files(__package__).joinpath(f"{step}.json").read_text("utf-8")) for step in STEPS
    }
    chosen = config.pipelines
    resources = {name: value for name, value in (("cpu", chosen.cpu), ("memory", chosen.memory)) if value}
    for spec in specs.values():
        spec["transform"]["image"] = chosen.image
        if spec["parallelism_spec"]["constant"] > 1:
            spec["parallelism_spec"]["constant"] = chosen.workers
            if chosen.datums_per_set:
                spec["datum_set_spec"] = {"number": chosen.datums_per_set}
            spec["datum_timeout"] = f"{chosen.datum_timeout.total_seconds():.9g}s"
        if resources:
            spec["resource_requests"] = resources
        if chosen.memory_limit:
            spec["resource_limits"] = {"memory": chosen.memory_limit}
        if chosen.autoscaling:
            spec["autoscaling"] = True
    specs["extract"]["input"]["cross"][1]["pfs"]["glob"] = config.logs.glob
    if config.logs.unit == "folder":  # 17,280 names a robot-day are too many to compare at every push
        for step in ("train", "report"):
            inputs = specs[step]["input"]["cross"]
            inputs[:] = [one for one in inputs if one["pfs"]["name"] != "logs"]
    return specs
