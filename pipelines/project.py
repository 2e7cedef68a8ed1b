"""A project is a folder with a `forewarn.toml`; its data lives in `.forewarn/` beside it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from features.errors import NotFoundError
from pipelines.config import CONFIG_NAME, Config, load_config

if TYPE_CHECKING:
    from pipelines.client import Pachd
    from pipelines.pachd.engine import Engine

ADDRESS_VARIABLE: Final = "PACHD_ADDRESS"
SCHEDULER_VARIABLE: Final = "FOREWARN_SCHEDULER"
OBJECTS_VARIABLE: Final = "FOREWARN_OBJECTS"


@dataclass(frozen=True)
class Project:
    """Where a project lives."""

    folder: Path

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """The nearest folder with a `forewarn.toml`, from `start` upwards. Raises NotFoundError."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / CONFIG_NAME).is_file():
                return cls(folder)
        raise NotFoundError(
            f"no {CONFIG_NAME} in {here} or above it",
            hint="forewarn inspect PATH --write . (or: forewarn init)",
        )

    @property
    def config(self) -> Config:
        """The project's configuration, checked. Raises DataError."""
        return load_config(self.folder / CONFIG_NAME)

    @property
    def state(self) -> Path:
        """Folder of the embedded engine's data."""
        return self.folder / ".forewarn"

    @property
    def daemon_file(self) -> Path:
        """Where a running `forewarn up` tells its address and pid."""
        return self.state / "daemon.json"

    @property
    def token_file(self) -> Path:
        """Where the hashes of the dashboard's tokens are kept."""
        return self.state / "tokens.json"

    @property
    def binned(self) -> Path:
        """Where training rows are kept as LightGBM bins them."""
        return self.state / "binned"

    @property
    def alert_file(self) -> Path:
        """Where alerts, their events and deliveries are kept."""
        return self.state / "alerts.db"

    def daemon_address(self) -> str | None:
        """Address of the project's running daemon, None when there is none."""
        try:
            told = json.loads(self.daemon_file.read_text("utf-8"))
            os.kill(told["pid"], 0)
        except (OSError, ValueError, KeyError):
            return None
        return str(told["address"])

    def engine(self) -> "Engine":
        """The project's embedded engine, its datums on Dask workers that start with the first of them.

        `$FOREWARN_SCHEDULER` and `$FOREWARN_OBJECTS` stand in for `[pipelines]`: one file for laptop and
        cluster.
        """
        from models.binned import CACHE_VARIABLE
        from pipelines.cluster import DaskExecutor
        from pipelines.pachd.engine import Engine

        chosen = self.config.pipelines
        scheduler = os.environ.get(SCHEDULER_VARIABLE) or chosen.scheduler
        objects = os.environ.get(OBJECTS_VARIABLE) or chosen.objects
        kept = {CACHE_VARIABLE: os.environ.get(CACHE_VARIABLE) or str(self.binned)}
        executor = DaskExecutor(chosen.workers, address=scheduler, env=kept)
        return Engine(self.state, objects=objects, executor=executor)

    @contextmanager
    def connect(self) -> Iterator["Pachd"]:
        """A pachd for this project: `$PACHD_ADDRESS`, the running daemon, or an engine of its own."""
        from pipelines.client import Pachd

        address = os.environ.get(ADDRESS_VARIABLE) or self.daemon_address()
        if address is not None:
            yield Pachd.at(address)
            return
        with self.engine() as engine:
            yield Pachd.at(f"127.0.0.1:{engine.serve('127.0.0.1:0')}")
