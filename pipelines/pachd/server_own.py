"""What forewarn's commands ask of an engine beyond Pachyderm's protocol: plans, chosen datums, upkeep.

One call each under `/forewarn.API/`, JSON in and JSON out, so that a daemon can be asked what an engine in
the same process can be asked: `ask(channel, "Plan", pipeline="extract")`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import grpc

from pipelines.pachd.planning import Plan

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine

SERVICE = "forewarn.API"


def ask(channel: grpc.Channel, call: str, **arguments: Any) -> Any:
    """Make one of the calls below; raises grpc.RpcError as the SDK's calls do."""
    method = channel.unary_unary(f"/{SERVICE}/{call}")
    return json.loads(method(json.dumps(arguments).encode()))


class OwnService:
    """Every method is a call; arguments and answers are JSON values."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def calls(self) -> dict[str, Callable[..., Any]]:
        """The calls by name."""
        return {
            "Plan": self.plan,
            "RerunDatums": self.rerun_datums,
            "Fsck": self.fsck,
            "CollectGarbage": self.collect_garbage,
        }

    def plan(self, pipeline: str) -> dict[str, Any]:
        """Which datums would run now and why: total, skipped, gone, run: [{datum, paths, code, why}]."""
        return plan_json(self._engine.plan(pipeline))

    def rerun_datums(self, pipeline: str, datums: list[str]) -> dict[str, str]:
        """Start a job in which the datums chosen by id, path or content hash run again; its commit id."""
        return {"job": self._engine.jobs.force(pipeline, datums).uuid}

    def fsck(self, *, fix: bool = False) -> list[dict[str, str]]:
        """What is not as it was written: [{what, fixed}]."""
        return [asdict(problem) for problem in self._engine.fsck(fix=fix)]

    def collect_garbage(self) -> dict[str, int]:
        """Counts of what was removed."""
        return asdict(self._engine.collect_garbage())


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON."""
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
            for planned in plan.run
        ],
    }
