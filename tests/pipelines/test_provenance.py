"""What the report says its inputs are is what its pipeline reads."""

import json
from importlib.resources import files

from reports.provenance import INPUTS, SECTIONS


def test_the_inputs_are_those_of_the_pipeline() -> None:
    spec = json.loads(files("pipelines.specs").joinpath("report.json").read_text("utf-8"))
    read = {
        part["pfs"]["name"]: (part["pfs"]["repo"], part["pfs"]["glob"]) for part in spec["input"]["cross"]
    }
    assert {name: (repo, path) for name, (repo, path, _) in INPUTS.items()} == read
    assert {name for names in SECTIONS.values() for name in names} <= set(read)
