"""`forewarn models`: what was taught when, which model serves, promote one and go back."""

import json as jsonlib
from pathlib import Path
from typing import Any, Final

import msgspec

from features.errors import ConflictError, NotFoundError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say, say_next, stdout
from pipelines.commands.progress import watch_jobs
from pipelines.commands.push import finished
from pipelines.project import Project
from pipelines.setup import MODELS, set_up

NAMED: Final = 5
SERVING: Final = "/serving.json"
FILES: Final = ("model/model.txt", "model/card.json", "evaluation/evaluation.json")
MAYBE: Final = ("evaluation/test.parquet", "evaluation/dependence.parquet")


def listed(*, project: Path | None, number: int, json: bool) -> None:
    """List the models of the train pipeline's commits, newest first, equal ones once."""
    with Project.find(project).connect() as pachd:
        rows = _models(pachd, number)
    if json:
        print_json(rows)
        return
    print_table(
        [
            "model",
            "serves",
            "taught",
            "verdict",
            "PR-AUC#",
            "failures caught#",
            "threshold#",
            "why it serves",
        ],
        (
            [
                row["model"],
                " ".join(word for word in ("serves", "champion") if row[word]),
                row["taught"] or "",
                row["verdict"]["word"],
                _figure(row["pr_auc"]),
                f"{row['caught']} of {row['episodes']}",
                f"{row['threshold']:.3f}",
                row["contest"]["sentence"] if row["contest"] else "",
            ]
            for row in rows
        ),
    )
    if rows:
        say_next(f"forewarn models promote {rows[0]['model']}   (or: forewarn models compare A B)")


def show(*, project: Path | None, model: str | None, json: bool) -> None:
    """A model's card in short; whole with --json. NotFoundError when there is none."""
    with Project.find(project).connect() as pachd:
        commit = _resolved(pachd, model)
        card = _card(pachd, commit)
    if json:
        print_json({"model": commit, "card": card})
        return
    stdout.print(card["verdict"]["sentence"], markup=False)
    split, features = card["split"], [entry["feature"] for entry in card["importance"][:5]]
    rows = [
        ("model", commit),
        ("kind", f"{card['kind']}, {card['rounds']} trees, seed {card['seed']}"),
        ("code", f"forewarn {card['code_version']}"),
        ("features", f"{len(card['features'])}; most gain: {', '.join(features)}"),
        ("threshold", f"{card['threshold']:.4f} ({card['threshold_basis']})"),
        ("calibration", card["calibration"]["kind"]),
        *((name, value) for name, value in sorted(split["borders"].items())),
        *((name, str(value)) for name, value in sorted(card["population"].items())),
        ("leakage", f"{card['leakage_certificate']['rows_checked']} rows checked"),
    ]
    print_table(["", ""], rows)
    say_next(f"forewarn models compare {commit}")


def compare(*, project: Path | None, before: str, after: str | None, json: bool) -> None:
    """Two models side by side: figures, threshold, settings and features that differ."""
    with Project.find(project).connect() as pachd:
        commits = (_resolved(pachd, before), _resolved(pachd, after))
        told = differences(*(_card(pachd, commit) for commit in commits))
    if json:
        print_json({"before": commits[0], "after": commits[1], **told})
        return
    print_table(
        ["figure", "before#", "after#"],
        ([name, _figure(pair[0]), _figure(pair[1])] for name, pair in told["figures"].items()),
    )
    for name, (one, other) in told["settings"].items():
        say(f"setting {name}: {_short(one)} became {_short(other)}")
    for word in ("added", "removed"):
        if told["features"][word]:
            say(f"features {word}: {_short(told['features'][word])}")


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What two cards differ in: pairs of figures, settings that changed, features added and removed."""
    figures = {
        "PR-AUC": [card["metrics"]["rows"]["pr_auc"]["value"] for card in (old, new)],
        "ROC-AUC": [card["metrics"]["rows"]["roc_auc"]["value"] for card in (old, new)],
        "Brier": [card["metrics"]["rows"]["brier"]["value"] for card in (old, new)],
        "recall": [card["metrics"]["episodes"]["recall"]["value"] for card in (old, new)],
        "false alarms per robot-day": [
            card["metrics"]["episodes"]["false_alarms_per_robot_day"]["value"] for card in (old, new)
        ],
        "threshold": [card["threshold"] for card in (old, new)],
        "test episodes": [card["metrics"]["episodes"]["episodes"] for card in (old, new)],
    }
    names = [{entry["name"] for entry in card["features"]} for card in (old, new)]
    settings = [card["settings"] for card in (old, new)]
    changed = sorted(set(settings[0]) | set(settings[1]))
    return {
        "figures": figures,
        "settings": {
            key: [one.get(key) for one in settings]
            for key in changed
            if settings[0].get(key) != settings[1].get(key)
        },
        "features": {"added": sorted(names[1] - names[0]), "removed": sorted(names[0] - names[1])},
    }


def promote(*, project: Path | None, model: str | None, json: bool) -> None:
    """Make a model the champion: a later one serves only if it is not worse. Waits for the new report.

    Raises ConflictError when it is the champion already.
    """
    found = Project.find(project)
    with found.connect() as pachd:
        set_up(pachd, found.config)
        commit = _resolved(pachd, model)
        told = serving(pachd)
        if told["champion"] is not None and _files(pachd, told["champion"]) == _files(pachd, commit):
            raise ConflictError("this model is the champion already", got=commit)
        done = _serve(pachd, commit, [*told["promoted"], commit])
    _told(done, f"{commit} is the champion: a later model serves only if it is not worse", json=json)


def rollback(*, project: Path | None, json: bool) -> None:
    """Back to the champion before, or to none (the newest model serves). ConflictError without a champion."""
    found = Project.find(project)
    with found.connect() as pachd:
        set_up(pachd, found.config)
        promoted = serving(pachd)["promoted"][:-1]
        if serving(pachd)["champion"] is None:
            raise ConflictError("no model was promoted", hint="forewarn models promote")
        done = _serve(pachd, promoted[-1] if promoted else None, promoted)
    name = f"{promoted[-1]} is the champion again" if promoted else "no champion: the newest model serves"
    _told(done, name, json=json)


def serving(pachd: Pachd) -> dict[str, Any]:
    """`champion` (a train commit, or None) and the commits `promoted` so far, the last one in force."""
    value: dict[str, Any] = msgspec.json.decode(pachd.read(MODELS, SERVING))
    return value


def _serve(pachd: Pachd, champion: str | None, promoted: list[str]) -> dict[str, Any]:
    """Commit the champion's files to the repo `models`, wait, and say who serves now."""
    files: dict[str, bytes | Path] = {
        SERVING: jsonlib.dumps({"champion": champion, "promoted": promoted}).encode() + b"\n"
    }
    gone = tuple(f"/champion/{name}" for name in (*FILES, *MAYBE))
    if champion is not None:
        present = {file.path for file in pachd.glob("train", "/evaluation/*", champion)}
        names = [*FILES, *(name for name in MAYBE if f"/{name}" in present)]
        files |= {f"/champion/{name}": pachd.read("train", f"/{name}", champion) for name in names}
    commit = pachd.put(MODELS, files, delete=tuple(sorted(set(gone) - set(files))), description="promote")
    finished(watch_jobs(pachd, commit))
    contest = msgspec.json.decode(pachd.read("train", "/contest.json", commit))
    return {"champion": champion, "promoted": promoted, "commit": commit, "contest": contest}


def _told(done: dict[str, Any], sentence: str, *, json: bool) -> None:
    if json:
        print_json(done)
        return
    say(sentence)
    say(done["contest"]["sentence"])
    say_next("forewarn report --open")


def _models(pachd: Pachd, number: int) -> list[dict[str, Any]]:
    promoted = serving(pachd)["champion"] if pachd.has_repo(MODELS) else None
    champion = None if promoted is None else _files(pachd, promoted)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for job in pachd.jobs(pipeline="train"):
        if job.state != "SUCCESS":
            continue
        files = _files(pachd, job.commit)
        if not files:
            continue
        taught = None if job.finished is None else f"{job.finished:%Y-%m-%d %H:%M:%S}"
        if files in rows:  # a later job kept it: it was taught here
            rows[files] |= {"model": job.commit, "taught": taught}
            continue
        if len(rows) == number:
            break
        card = _card(pachd, job.commit)
        rows[files] = {
            "model": job.commit,
            "taught": taught,
            "serves": not rows,
            "champion": files == champion,
            "verdict": card["verdict"],
            "pr_auc": card["metrics"]["rows"]["pr_auc"]["value"],
            "caught": card["metrics"]["episodes"]["caught"],
            "episodes": card["metrics"]["episodes"]["episodes"],
            "threshold": card["threshold"],
            "contest": _contest(pachd, job.commit),
        }
    return list(rows.values())


def _files(pachd: Pachd, commit: str) -> tuple[str, ...]:
    """What the model is, by content."""
    return tuple(file.hash for file in pachd.glob("train", "/model/*", commit))


def _contest(pachd: Pachd, commit: str) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = msgspec.json.decode(pachd.read("train", "/contest.json", commit))
    except NotFoundError:
        return None
    return value


def _resolved(pachd: Pachd, model: str | None) -> str:
    commit = pachd.resolve("train", model) if model else pachd.head("train")
    if commit is None:
        raise NotFoundError("no model was taught yet", hint="forewarn push PATH")
    return commit


def _card(pachd: Pachd, commit: str) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.json.decode(pachd.read("train", "/model/card.json", commit))
    return value


def _short(value: Any) -> str:
    """A setting or a list of names in a line; --json has all of it."""
    if not isinstance(value, list):
        return str(value)
    more = f" and {len(value) - NAMED} more" if len(value) > NAMED else ""
    return (", ".join(map(str, value[:NAMED])) or "none") + more


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
