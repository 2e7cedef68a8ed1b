"""Pachyderm pipeline specs, the same for the embedded engine and a cluster.

The JSON files are complete specs; `load_specs` fills in what a project's configuration decides: how pushed
files are cut into datums, how many workers, and the image of a cluster.
"""

import json
from importlib.resources import files
from typing import Any, Final

from pipelines.config import Config

STEPS: Final = ("extract", "join", "features", "train", "score", "report")
REPOS: Final = ("logs", "config")


def load_specs(config: Config) -> dict[str, dict[str, Any]]:
    """Spec of each step, in the order data flows through them."""
    specs = {
        step: json.loads(files(__package__).joinpath(f"{step}.json").read_text("utf-8")) for step in STEPS
    }
    for spec in specs.values():
        spec["transform"]["image"] = config.pipelines.image
        if spec["parallelism_spec"]["constant"] > 1:
            spec["parallelism_spec"]["constant"] = config.pipelines.workers
    specs["extract"]["input"]["cross"][1]["pfs"]["glob"] = config.logs.glob
    return specs
