"""`forewarn demo` and `forewarn demo-data`: a synthetic fleet, and how well its failures are foretold."""

from importlib.resources import files
from pathlib import Path

from features.errors import ConflictError
from pipelines.commands.output import print_json, say_next, stderr
from pipelines.config import CONFIG_NAME

MARK = ".made-by-forewarn-demo"


def demo_data(*, folder: Path, robots: int, days: int, seed: int, json: bool) -> None:
    """Write `logs/`, `truth.json` and a matching `forewarn.toml`. Raises ConflictError when they exist."""
    if (folder / "logs").exists():
        raise ConflictError(f"{folder / 'logs'} exists already", hint="choose another folder")
    make_fleet(folder, robots=robots, days=days, seed=seed)
    if json:
        print_json({"folder": str(folder), "robots": robots, "days": days, "seed": seed})
    say_next(f"cd {folder} && forewarn push logs/")


def make_fleet(folder: Path, *, robots: int, days: int, seed: int) -> None:
    """The synthetic fleet's folder: logs, truth and configuration."""
    from pipelines.demo.fleet import write_fleet

    folder.mkdir(parents=True, exist_ok=True)
    with stderr.status(f"making {robots} robots x {days} days (synthetic)"):
        write_fleet(folder, robots=robots, days=days, seed=seed)
    if not (folder / CONFIG_NAME).exists():
        (folder / CONFIG_NAME).write_text(
            files("pipelines.demo").joinpath(CONFIG_NAME).read_text("utf-8"), "utf-8"
        )
