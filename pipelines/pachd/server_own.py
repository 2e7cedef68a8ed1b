"""What forewarn's commands ask of an engine beyond Pachyderm's protocol: plans, chosen datums, upkeep.

One call each under `/forewarn.API/`, JSON in and JSON out, so that a daemon can be asked what an engine in
the same process can be asked: `ask(channel, "Plan", pipeline="extract")`.
"""

import inspect
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_type_hints

import grpc
import msgspec

from pipelines.pachd import lineage
from pipelines.pachd.forecast import Content, Forecast, Upcoming
from pipelines.pachd.lineage import Made, Pushed
from pipelines.pachd.planning import Plan
from pipelines.pachd.wire import time_of

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine

SERVICE = "forewarn.API"
_PEAKS = """
SELECT jobs.uuid, json_extract(jobs.stats, '$.peak_bytes') AS peak
FROM pipelines JOIN jobs ON jobs.pipeline = pipelines.id WHERE pipelines.name = ? ORDER BY jobs.id DESC
"""


def ask(channel: grpc.Channel, call: str, **arguments: Any) -> Any:
    """Make one of the calls below; raises grpc.RpcError as the SDK's calls do."""
    method = channel.unary_unary(f"/{SERVICE}/{call}")
    return json.loads(method(json.dumps(arguments).encode()))


def arguments_of(call: Callable[..., Any]) -> Callable[[bytes], dict[str, Any]]:
    """Reads a call's arguments from JSON: those it has, with values of the types it says."""
    signature, types = inspect.signature(call), get_type_hints(call)

    def read(data: bytes) -> dict[str, Any]:
        given = signature.bind(**msgspec.json.decode(data, type=dict[str, Any])).arguments
        return {name: msgspec.convert(value, types[name]) for name, value in given.items()}

    return read


class OwnService:
    """Every method is a call; arguments and answers are JSON values."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def calls(self) -> dict[str, Callable[..., Any]]:
        """The calls by name."""
        return {
            "Plan": self.plan,
            "Forecast": self.forecast,
            "RerunDatums": self.rerun_datums,
            "TraceBack": self.trace_back,
            "TraceOn": self.trace_on,
            "Versions": self.versions,
            "Peaks": self.peaks,
            "Fsck": self.fsck,
            "CollectGarbage": self.collect_garbage,
        }

    def plan(self, pipeline: str) -> dict[str, Any]:
        """Which datums would run now and why: total, skipped, gone, run: [{datum, paths, code, why}]."""
        return plan_json(self._engine.plan(pipeline))

    def forecast(
        self,
        puts: dict[str, dict[str, tuple[str, int]]],
        deletes: dict[str, list[str]],
        specs: list[dict[str, Any]],
        number: int,
    ) -> list[dict[str, Any]]:
        """What a push, a configuration or specs would run; at most `number` datums of a pipeline are listed.

        puts: repo → path → [content hash, size]. The answer has the keys of `forecast_json`.
        """
        contents = {
            repo: {path: Content(*content) for path, content in files.items()} for repo, files in puts.items()
        }
        found = self._engine.forecast(Upcoming(contents, deletes, specs))
        return [forecast_json(one, number) for one in found]

    def rerun_datums(self, pipeline: str, datums: list[str]) -> dict[str, str]:
        """Start a job in which datums chosen by (the beginning of) an id or by path run; its commit id."""
        return {"job": self._engine.choose(pipeline, datums).uuid}

    def trace_back(self, repo: str, commit: str, paths: list[str], segment: str) -> list[dict[str, Any]]:
        """`lineage.trace_back`: rows of kind "made" (by a datum) or "pushed"."""
        found = lineage.trace_back(self._engine, repo, commit, paths, segment=segment)
        return [made_json(one) if isinstance(one, Made) else pushed_json(one) for one in found]

    def trace_on(self, repo: str, path: str) -> list[dict[str, Any]]:
        """`lineage.trace_on`."""
        return [made_json(made) for made in lineage.trace_on(self._engine, repo, path)]

    def versions(self, repo: str, path: str, target: str) -> list[dict[str, Any]]:
        """`lineage.versions`: pushed files with the `commits` of target made from them."""
        found = lineage.versions(self._engine, repo, path, target)
        return [pushed_json(one.pushed) | {"commits": one.commits} for one in found]

    def peaks(self, pipeline: str) -> dict[str, int]:
        """Commit of a job, newest first → the most memory (bytes) a datum of it held, where measured."""
        rows = self._engine.metadata.rows(_PEAKS, pipeline)
        return {row["uuid"]: int(row["peak"]) for row in rows if row["peak"]}

    def fsck(self, *, fix: bool = False) -> list[dict[str, str]]:
        """What is not as it was written: [{what, fixed}]."""
        return [asdict(problem) for problem in self._engine.fsck(fix=fix)]

    def collect_garbage(self) -> dict[str, int]:
        """Counts of what was removed."""
        return asdict(self._engine.collect_garbage())


def plan_json(plan: Plan, number: int | None = None) -> dict[str, Any]:
    """A plan as JSON, with its first `number` datums (default: all)."""
    return {
        "total": plan.total,
        "skipped": plan.skipped,
        "gone": len(plan.gone),
        "run": [
            {
                "datum": planned.datum.id,
                "paths": [f"{i.name}:{i.path}" for i in planned.datum.inputs],
                "code": planned.why.code,
                "why": planned.why.text,
            }
            for planned in plan.run[:number]
        ],
    }


def forecast_json(forecast: Forecast, number: int) -> dict[str, Any]:
    """A forecast as JSON; `certain` and `may` count datums, `whys` counts them by code, `run` is cut."""
    plan = plan_json(forecast.plan, number)
    for row in plan["run"]:
        row["certain"] = row["datum"] not in forecast.may
    return {
        "pipeline": forecast.pipeline,
        **plan,
        "certain": len(forecast.plan.run) - len(forecast.may),
        "may": len(forecast.may),
        "whys": dict(Counter(planned.why.code for planned in forecast.plan.run)),
        "after": list(forecast.after),
        "note": forecast.note,
    }


def made_json(made: Made) -> dict[str, Any]:
    """A datum and its files as JSON."""
    return {
        "kind": "made",
        "pipeline": made.pipeline,
        "commit": made.commit,
        "datum": made.datum,
        "ran_in": made.ran_in,
        "files": made.files,
        "inputs": [{"repo": i.repo, "commit": i.commit, "path": i.path} for i in made.inputs],
    }


def pushed_json(pushed: Pushed) -> dict[str, Any]:
    """A pushed file as JSON."""
    return {"kind": "pushed", **asdict(pushed), "at": time_of(pushed.at).isoformat()}
