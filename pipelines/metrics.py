"""What a running engine tells Prometheus: work done and waiting, refused input, age of the model, alerts.

Everything is read when somebody asks, from the engine's own records; only deliveries of alerts are counted
here as they happen. Names are used by infra/grafana and by the chart's alert rules.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from features.errors import ForewarnError
from pipelines.client import Pachd
from pipelines.pachd.engine import Engine

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_PHASES: Final = ("download", "process", "upload")
_SUMS: Final = """
SELECT p.name, sum(j.processed) processed, sum(j.skipped) skipped, sum(j.failed) failed,
  sum(j.recovered) recovered,
  sum(j.stats ->> '$.download_s') download, sum(j.stats ->> '$.process_s') process,
  sum(j.stats ->> '$.upload_s') upload,
  sum(j.stats ->> '$.bytes_in') bytes_in, sum(j.stats ->> '$.bytes_out') bytes_out
FROM jobs j JOIN pipelines p ON p.id = j.pipeline GROUP BY p.name ORDER BY p.name
"""
_PENDING: Final = """
SELECT coalesce(sum(max(0, total - processed - skipped - failed - recovered)), 0) FROM jobs
WHERE finished IS NULL
"""
_NEWEST: Final = """
SELECT p.name, j.state, j.recovered FROM jobs j JOIN pipelines p ON p.id = j.pipeline
WHERE j.id IN (SELECT max(id) FROM jobs WHERE finished IS NOT NULL GROUP BY pipeline) ORDER BY p.name
"""
_TRAINED: Final = """
SELECT max(j.finished) FROM jobs j JOIN pipelines p ON p.id = j.pipeline
WHERE p.name = 'train' AND j.state = 'SUCCESS' AND j.processed > 0
"""


class Metrics(Collector):
    """The metrics of one engine. clock: seconds since the epoch."""

    def __init__(self, engine: Engine, pachd: Pachd, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._pachd = pachd
        self._clock = clock
        self._reported: tuple[str | None, tuple[int, int]] = (None, (0, 0))
        self._registry = CollectorRegistry()
        self._deliveries = Counter(
            "forewarn_alerts_delivered",
            "Alerts sent, by channel and whether they arrived.",
            ["channel", "outcome"],
            registry=self._registry,
        )
        self._registry.register(self)

    def delivered(self, channel: str, arrived: bool) -> None:
        """Count one delivery of an alert."""
        self._deliveries.labels(channel, "arrived" if arrived else "failed").inc()

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format (CONTENT_TYPE)."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known only when asked (prometheus_client's interface)."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics read from the engine's records."""
        rows = self._engine.metadata.rows(_SUMS)
        datums = CounterMetricFamily(
            "forewarn_datums", "Datums that ended, by state.", labels=["pipeline", "state"]
        )
        seconds = CounterMetricFamily(
            "forewarn_datum_seconds", "Seconds datums took, by phase.", labels=["pipeline", "phase"]
        )
        size = CounterMetricFamily(
            "forewarn_datum_bytes", "Bytes datums read and wrote.", labels=["pipeline", "direction"]
        )
        for row in rows:
            for state in ("processed", "skipped", "failed", "recovered"):
                datums.add_metric([row["name"], state], row[state])
            for phase in _PHASES:
                seconds.add_metric([row["name"], phase], row[phase] or 0)
            for direction in ("in", "out"):
                size.add_metric([row["name"], direction], row[f"bytes_{direction}"] or 0)
        yield from (datums, seconds, size)
        yield GaugeMetricFamily(
            "forewarn_datums_pending",
            "Datums of unfinished jobs that have not ended.",
            value=self._engine.metadata.value(_PENDING),
        )
        failed = GaugeMetricFamily(
            "forewarn_newest_job_failed", "1 where a pipeline's newest job failed.", labels=["pipeline"]
        )
        missing = GaugeMetricFamily(
            "forewarn_datums_missing",
            "Datums that failed for good, without which a pipeline's newest job went on.",
            labels=["pipeline"],
        )
        for row in self._engine.metadata.rows(_NEWEST):
            failed.add_metric([row["name"]], float(row["state"] != "SUCCESS"))
            missing.add_metric([row["name"]], row["recovered"])
        yield from (failed, missing)
        trained = self._engine.metadata.value(_TRAINED)
        if trained is not None:
            age = self._clock() - trained / 1e6
            yield GaugeMetricFamily("forewarn_model_age_seconds", "Since the model was trained.", value=age)
        received, quarantined = self._records()
        yield GaugeMetricFamily(
            "forewarn_records_received", "Records in what the newest report covers.", value=received
        )
        yield GaugeMetricFamily(
            "forewarn_records_quarantined", "Records of it that were refused.", value=quarantined
        )

    def _records(self) -> tuple[int, int]:
        """Received and quarantined records as the newest report says; read once per report."""
        try:
            head = self._pachd.head("report")
            if head is not None and head != self._reported[0]:
                summary = json.loads(self._pachd.read("report", "/summary.json", head))
                self._reported = (head, _records_of(summary))
        except (ForewarnError, ValueError, KeyError):
            pass  # a report of another version, or one that failed: the figures before stay
        return self._reported[1]


def _records_of(summary: dict[str, Any]) -> tuple[int, int]:
    units = [unit for unit in summary["accounting"]["units"] if unit["unit"] == "record"]
    return sum(unit["received"] for unit in units), sum(unit["quarantined"] for unit in units)
