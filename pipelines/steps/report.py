"""Step report: the failure-risk report of the fleet, from everything the other steps committed."""

import json
from datetime import date, timedelta
from pathlib import Path

from features.schema import EXCLUDED, FAILURES
from pipelines.steps.facts import read_facts
from pipelines.steps.files import (
    count_by,
    input_commits,
    parquet_files,
    read_settings,
    read_tables,
    read_verdicts,
    run,
)
from pipelines.steps.missing import missing
from reports.risk_report import ReportInputs, build_report

WATCHED = timedelta(days=7)
DEPENDENCE = "dependence.parquet"


def main(pfs: Path) -> None:
    """Read the fleet's risk, reasons, model, evaluation and accounting; write the report's files."""

    def tables(name: str) -> list[Path]:
        return list(parquet_files(pfs / name))

    inputs = ReportInputs(
        settings=read_settings(pfs, "report"),
        risk=read_tables(tables("risk")),
        reasons=read_tables(tables("reasons")),
        similar=read_tables(tables("similar")),
        watch=read_tables(newest_days(tables("watch"))),
        dependence=read_tables(path for path in tables("evaluation") if path.name == DEPENDENCE),
        failures=read_tables(tables("failures"), FAILURES),
        excluded=count_by(read_tables(tables("excluded"), EXCLUDED), "reason"),
        evaluation=json.loads((pfs / "evaluation" / "evaluation" / "evaluation.json").read_text("utf-8")),
        card=json.loads((pfs / "model" / "model" / "card.json").read_text("utf-8")),
        accounting=read_tables(tables("accounting")),
        quarantine=read_tables(tables("quarantine")),
        join_quality=read_tables(tables("joined")),
        clocks=read_tables(tables("clocks")),
        operation=read_tables(tables("operation")),
        facts=read_facts(pfs / "facts"),
        provenance=input_commits(),
        verdicts=[said["verdict"] for said in read_verdicts(pfs / "labels")],
        missing=missing(pfs, scored=True),
    )
    build_report(inputs, pfs / "out")


def newest_days(paths: list[Path]) -> list[Path]:
    """Of files named by day, those of the seven days up to the newest; files of all time stay."""
    days = {path: date.fromisoformat(path.stem) for path in paths if path.stem != "all"}
    after = max(days.values(), default=date.max) - WATCHED
    return [path for path in paths if path not in days or days[path] > after]


if __name__ == "__main__":
    run(main)
