"""The `forewarn` command: what each verb takes; what it does lives in `pipelines/commands/`.

Only typer is imported here, so that `forewarn --help` answers at once.
"""

import os
import sys

from features.errors import ConflictError, DataError, ForewarnError, NotFoundError, UsageError
from pipelines.cli import clusters, dashboard, demo, engine, history, logs, models, project, risk
from pipelines.cli.app import app

__all__ = [
    "app",
    "clusters",
    "dashboard",
    "demo",
    "engine",
    "history",
    "logs",
    "main",
    "models",
    "project",
    "risk",
]

EXIT = {DataError: 3, NotFoundError: 4, ConflictError: 4, UsageError: 2}


def main() -> None:
    """Run the command line; errors become one message on stderr and an exit code (see EXIT)."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own lines on stderr, beside ours
    try:
        app()
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(next((code for kind, code in EXIT.items() if isinstance(error, kind)), 1))
