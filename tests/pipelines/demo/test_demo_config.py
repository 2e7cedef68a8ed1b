import json
import re
from importlib.resources import as_file, files

import pytest

from pipelines.config import load_config


@pytest.fixture(scope="module")
def config():
    with as_file(files("pipelines.demo") / "forewarn.toml") as path:
        return load_config(path)


def test_every_declared_field_is_in_the_messages(config, messages):
    sent = next(message for message in messages["amr-002"] if "mission" in message and "errors" in message)
    for name, stream in config.streams.items():
        found = sent[stream.path]
        record = found[0] if isinstance(found, list) else found
        if stream.pairs:
            record = {pair["key"]: json.loads(pair["value"]) for pair in found} | {"ts": found[0]["ts"]}
        root = dict(sent)
        for field in (*(spec.source or key for key, spec in stream.fields.items()), stream.time, stream.recv):
            assert field.removeprefix("$.") in (root if field.startswith("$.") else record), (name, field)


def test_the_robot_is_named_by_the_archive(config):
    found = re.search(config.logs.robot.path, "/2026-03-01/amr-017.zip")
    assert found
    assert found["robot"] == "amr-017"


def test_a_precursor_fits_the_longest_window_and_the_horizon(config):
    assert max(config.lookback.windows) == config.lookback.horizon
