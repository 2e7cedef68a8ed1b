"""`forewarn why`: why a robot's risk differs between two reports: data, model, code, threshold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import DataError, NotFoundError
from features.schema import CUTOFF, IS_FAILURE_CUTOFF
from models import artifact
from models.artifact import Model
from models.change import explain
from pipelines.client import Pachd
from pipelines.commands.output import print_json, say, say_next, stdout
from pipelines.committed import report_before
from pipelines.project import Project
from pipelines.steps.facts import read_facts
from pipelines.steps.files import encode, parquet_files, read_tables

TAUGHT_BY: Final = ("windows", "failures", "facts", "excluded", "config")


@dataclass(frozen=True)
class Side:
    """One report's view of a robot: its newest scored window, the model, facts, and reasons in words."""

    commit: str
    cutoff: str
    risk: float
    reasons: tuple[str, ...]
    window: pa.Table
    model: Model
    facts: pa.Table


def why(*, project: Path | None, robot: str, before: str | None, after: str | None, json: bool) -> None:
    """Say why. NotFoundError for an unknown commit or robot, DataError where a report has no risk of it."""
    with Project.find(project).connect() as pachd:
        new = pachd.resolve("report", after or "master")
        old = pachd.resolve("report", before) if before else report_before(pachd, new)
        if old is None:
            raise NotFoundError("no other report before this one", got=new, hint="forewarn push PATH")
        sides = [_side(pachd, commit, robot) for commit in (old, new)]
    told = split(*sides)
    if json:
        print_json({"robot": robot, **told})
        return
    for line in lines(robot, told):
        stdout.print(line, markup=False)
    say(f"compared at the newest cut-off of each report: {sides[0].cutoff} and {sides[1].cutoff}")
    say_next(f"forewarn trace {robot}   (or: forewarn diff {old} {new})")


def split(old: Side, new: Side) -> dict[str, Any]:
    """The change as JSON: `data`, `model` and `code` add up to it; None where look-back settings differ."""
    told: dict[str, Any] = {
        "before": {"commit": old.commit, "cutoff": old.cutoff, "risk": old.risk, "reasons": old.reasons},
        "after": {"commit": new.commit, "cutoff": new.cutoff, "risk": new.risk, "reasons": new.reasons},
        "threshold": [old.model.threshold, new.model.threshold],
        "same_model": (old.model.text, old.model.card) == (new.model.text, new.model.card),
        "change": None,
        "code": code_alone(old.model.card, new.model.card),
        "versions": [old.model.card["code_version"], new.model.card["code_version"]],
    }
    try:
        change = explain(old.model, new.model, old.window, new.window, old.facts, new.facts)
    except DataError:
        return told
    return told | {"change": asdict(change)}


def code_alone(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the models differ by forewarn's version only: same data, same settings."""
    same = all(old["provenance"].get(name) == new["provenance"].get(name) for name in TAUGHT_BY)
    return same and old["settings"] == new["settings"] and old["code_version"] != new["code_version"]


def lines(robot: str, told: Mapping[str, Any]) -> list[str]:
    """The split in sentences."""
    before, after, change = told["before"], told["after"], told["change"]
    found = [f"{robot}: risk {before['risk']:.3f} became {after['risk']:.3f} ({_points(before, after)})"]
    if change is None:
        return [*found, "  the models look back differently, so the change cannot be split"]
    found.append(f"  its own data: {change['data']:+.3f}{_because(after, change['data'])}")
    name = "forewarn's code" if told["code"] else "the model, taught anew"
    name += "" if len(set(told["versions"])) == 1 else " (forewarn {} became {})".format(*told["versions"])
    found.append("  the model: the same" if told["same_model"] else f"  {name}: {change['model']:+.3f}")
    low, high = told["threshold"]
    found.append(f"  the threshold: {'the same' if low == high else f'{low:.3f} became {high:.3f}'}")
    if change["alert_before"] != change["alert_after"]:
        word = "in alert now" if change["alert_after"] else "no longer in alert"
        alone = ", by the threshold alone" if change["threshold_alone"] else ""
        found.append(f"  {word}{alone}")
    return found


def _because(after: Mapping[str, Any], data: float) -> str:
    return f" ({after['reasons'][0]})" if data > 0 and after["reasons"] else ""


def _points(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return f"{100 * (after['risk'] - before['risk']):+.1f} points"


def _side(pachd: Pachd, commit: str, robot: str) -> Side:
    summary = msgspec.json.decode(pachd.read("report", "/summary.json", commit))
    known = next((one for one in summary["robots"] if one["robot_id"] == robot), None)
    if known is None:
        raise NotFoundError(f"the report has no robot {robot}", got=commit, hint="forewarn report")
    if known["last_cutoff"] is None:
        raise DataError(f"{robot} cannot be scored in this report", got=known["why"], expected="a risk")
    source = summary["provenance"]
    features = pachd.provenance("score", source["risk"])["features"]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pachd.download("features", f"/windows/{encode(robot)}", folder / "windows", features)
        pachd.download("train", "/model", folder / "train", source["model"])
        pachd.download("extract", "/facts", folder / "extract", source["facts"])
        windows = read_tables(parquet_files(folder / "windows"))
        model, facts = artifact.load(folder / "train" / "model"), read_facts(folder / "extract")
    return Side(
        commit,
        known["last_cutoff"],
        known["risk_now"],
        tuple(reason["words"] for reason in known["reasons"]),
        _newest(windows),
        model,
        facts,
    )


def _newest(windows: pa.Table) -> pa.Table:
    grid = windows.filter(pc.invert(windows[IS_FAILURE_CUTOFF]))
    newest = pc.max(grid[CUTOFF])
    return grid.filter(pc.equal(grid[CUTOFF], newest)).slice(0, 1)
