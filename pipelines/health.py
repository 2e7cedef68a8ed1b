"""Whether an engine is alive, and whether it can take work: two questions an orchestrator asks often."""

from dataclasses import dataclass

from features.errors import ForewarnError
from pipelines.client import Pachd
from pipelines.pachd.engine import Engine


@dataclass(frozen=True)
class Health:
    """An answer: `ok`, and why not."""

    ok: bool
    reason: str = ""


def alive(engine: Engine) -> Health:
    """Whether the process should go on running: it is not stopping and its database answers."""
    if engine.stopping:
        return Health(ok=False, reason="the engine is stopping")
    try:
        engine.metadata.value("SELECT 1")
    except Exception as error:
        return Health(ok=False, reason=f"the metadata cannot be read: {error}")
    return Health(ok=True)


def ready(engine: Engine, pachd: Pachd) -> Health:
    """Whether clients should be sent here: alive, and calls over its protocol are answered."""
    living = alive(engine)
    if not living.ok:
        return living
    try:
        pachd.has_repo("logs")
    except ForewarnError as error:
        return Health(ok=False, reason=str(error))
    return Health(ok=True)
