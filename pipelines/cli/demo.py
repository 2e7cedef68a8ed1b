"""Verbs that make a synthetic fleet."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, app, run


@app.command("demo-data", epilog="Example: forewarn demo-data fleet/ --robots 12 --days 2")
def demo_data(
    folder: Annotated[Path, typer.Argument(help="Folder to write; logs/, truth.json, forewarn.toml.")],
    robots: Annotated[int, typer.Option(min=1, max=10_000)] = 12,
    days: Annotated[int, typer.Option(min=1, max=3_650)] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    json: Json = False,
) -> None:
    """Make a synthetic fleet's logs with planted failure causes and planted dirt."""
    run("demo", "demo_data", folder=folder, robots=robots, days=days, seed=seed, json=json)


@app.command(epilog="Example: forewarn demo --robots 4 --days 1")
def demo(
    folder: Annotated[Path, typer.Option(help="Folder to work in; made anew.")] = Path("demo"),
    robots: Annotated[int, typer.Option(min=1, max=10_000)] = 12,
    days: Annotated[int, typer.Option(min=1, max=3_650)] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 7,
    json: Json = False,
) -> None:
    """Make a synthetic fleet, push it through every pipeline, score the report against the truth."""
    run("demo", "demo", folder=folder, robots=robots, days=days, seed=seed, json=json)
