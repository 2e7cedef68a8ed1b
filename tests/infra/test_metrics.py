"""What a running engine tells about itself, and that dashboard and alert rules ask only for that."""

import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines import monitor
from pipelines.client import Pachd
from pipelines.metrics import Metrics
from pipelines.pachd.engine import Engine

INFRA = Path(__file__).parents[2] / "infra"
NAME = re.compile(r"\bforewarn_\w+")
TRAINED = 1_000.0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("engine"), workers=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def pachd(engine: Engine) -> Pachd:
    """Two datums that work, one that does not, a model and a report."""
    pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
    pachd.create_repo("in")
    pachd.put("in", {"/a": b"1234", "/b": b"5"})
    accounts = {"accounting": {"units": [{"unit": "record", "received": 200, "quarantined": 7}]}}
    script = {
        "train": "cp /pfs/in/* /pfs/out/",
        "report": f"echo '{json.dumps(accounts)}' > /pfs/out/summary.json",
        "picky": "test -e /pfs/in/a",
    }
    for name, line in script.items():
        spec = {
            "pipeline": {"name": name},
            "transform": {"cmd": ["sh", "-c", line]},
            "input": {"pfs": {"name": "in", "repo": "in", "glob": "/" if name == "report" else "/*"}},
            "datum_tries": 1,
        }
        pachd.create_pipeline(json.dumps(spec))
    unfinished = "SELECT count(*) FROM jobs WHERE finished IS NULL"
    engine.metadata.wait(lambda: None if engine.metadata.value(unfinished) else True)
    return pachd


@pytest.fixture(scope="module")
def served(engine: Engine, pachd: Pachd) -> Iterator[tuple[str, Metrics]]:
    with monitor.serve("127.0.0.1:0", engine, pachd) as (port, metrics):
        yield f"http://127.0.0.1:{port}", metrics


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def asked(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_work_is_counted_by_pipeline_state_phase_and_direction(served):
    status, text = asked(f"{served[0]}/metrics")
    found = samples(text)
    assert status == 200
    assert found["forewarn_datums_total", "train", "processed"] == 2
    assert found["forewarn_datums_total", "picky", "processed"] == 1
    assert found["forewarn_datums_total", "picky", "failed"] == 1
    assert found["forewarn_datum_bytes_total", "in", "train"] == 5
    assert found["forewarn_datum_bytes_total", "out", "train"] == 5
    assert found["forewarn_datum_seconds_total", "process", "train"] > 0
    assert found["forewarn_datums_pending",] == 0
    assert found["forewarn_newest_job_failed", "train"] == 0
    assert found["forewarn_newest_job_failed", "picky"] == 1
    assert found["forewarn_records_received",] == 200
    assert found["forewarn_records_quarantined",] == 7


def test_the_models_age_counts_from_the_last_training(engine, pachd):
    trained = engine.metadata.value("SELECT max(finished) FROM jobs WHERE state = 'SUCCESS'") / 1e6
    metrics = Metrics(engine, pachd, clock=lambda: trained + TRAINED)
    age = samples(metrics.exposition().decode())["forewarn_model_age_seconds",]
    assert TRAINED <= age < TRAINED + 60


def test_deliveries_are_counted_by_channel_and_outcome(served):
    metrics = served[1]
    metrics.delivered("webhook", arrived=True)
    metrics.delivered("webhook", arrived=False)
    metrics.delivered("webhook", arrived=False)
    found = samples(metrics.exposition().decode())
    assert found["forewarn_alerts_delivered_total", "webhook", "arrived"] == 1
    assert found["forewarn_alerts_delivered_total", "webhook", "failed"] == 2


def test_health(served):
    assert asked(f"{served[0]}/healthz") == (200, "ok\n")
    assert asked(f"{served[0]}/readyz") == (200, "ok\n")
    assert asked(f"{served[0]}/else")[0] == 404


def test_metrics_are_counts_and_name_no_robot_file_or_line(served):
    families = text_string_to_metric_families(asked(f"{served[0]}/metrics")[1])
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    assert {"pipeline"} <= labels <= {"pipeline", "state", "phase", "direction", "channel", "outcome"}


def test_who_connects_and_says_nothing_is_left(engine, pachd, monkeypatch):
    monkeypatch.setattr(monitor, "PATIENCE_S", 0.05)
    with monitor.serve("127.0.0.1:0", engine, pachd) as (port, _):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as silent:
            assert silent.recv(1) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=60) as half:
            half.sendall(b"GET /metrics HT")
            assert half.recv(1) == b""


def test_an_engine_that_stops_is_neither_alive_nor_ready(tmp_path):
    with Engine(tmp_path, workers=1) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        metrics = Metrics(engine, pachd)
    for path in ("/healthz", "/readyz"):
        status, _, body = monitor.answer(path, engine, pachd, metrics)
        assert (status, body) == (503, b"the engine is stopping\n")


def test_dashboard_and_alert_rules_ask_for_metrics_that_exist(served):
    served[1].delivered("webhook", arrived=True)
    there = {name for name, *_ in samples(served[1].exposition().decode())}
    dashboard: dict[str, Any] = json.loads((INFRA / "grafana" / "forewarn.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = (INFRA / "helm" / "forewarn" / "templates" / "monitoring.yaml").read_text()
    expressions += re.findall(r"expr: (.+)", rules)
    expressions += re.findall(
        r"valueLocation: (.+)", (INFRA / "helm/forewarn/templates/dask.yaml").read_text()
    )
    assert len(expressions) > 12
    for expression in expressions:
        assert set(NAME.findall(expression)) <= there, expression
        assert NAME.search(expression)


def test_every_metric_is_documented_and_every_documented_one_exists(served):
    served[1].delivered("webhook", arrived=True)
    there = {name for name, *_ in samples(served[1].exposition().decode()) if not name.endswith("_created")}
    rows = (INFRA.parent / "docs" / "scale.md").read_text("utf-8").splitlines()
    assert there == {name for row in rows if row.startswith("| `forewarn_") for name in NAME.findall(row)}


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    panels = json.loads((INFRA / "grafana" / "forewarn.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
