"""Chosen datums run again: by the beginning of an id, or by a path one of their inputs has or is below."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from features.errors import DataError, NotFoundError, UsageError
from pipelines.pachd.datums import Datum
from pipelines.pachd.records import Job

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine

SHOWN = 3


def choose(engine: "Engine", pipeline: str, wanted: Sequence[str]) -> Job:
    """Start a job on what the inputs hold now in which the chosen datums run though nothing changed.

    Raises UsageError when nothing is chosen, NotFoundError for a choice no datum fits, DataError for the
    beginning of an id that fits several.
    """
    if not wanted:
        raise UsageError("no datum is chosen", expected="ids or paths of datums")
    datums = list(engine.plans.planner_of_heads(pipeline).datums())
    ids = {id_ for choice in wanted for id_ in _matching(pipeline, datums, choice)}
    return engine.jobs.force(pipeline, [[id_] for id_ in sorted(ids)])


def _matching(pipeline: str, datums: Iterable[Datum], choice: str) -> list[str]:
    found = [datum.id for datum in datums if _fits(datum, choice)]
    if not found:
        raise NotFoundError(
            f"no datum of {pipeline} fits {choice}", hint=f"`forewarn datums {pipeline}` lists them"
        )
    if len(found) > 1 and not choice.startswith("/"):
        raise DataError(
            f"{len(found)} datums of {pipeline} begin with {choice}",
            got=", ".join(found[:SHOWN]),
            hint="give more of the id",
        )
    return found


def _fits(datum: Datum, choice: str) -> bool:
    if not choice.startswith("/"):
        return datum.id.startswith(choice)
    folder = choice.rstrip("/") + "/"
    return any((i.path.rstrip("/") + "/").startswith(folder) for i in datum.inputs)
