"""`forewarn fsck` and `forewarn gc`: is everything as it was written, and what is not needed any more."""

from pathlib import Path

from features.errors import ForewarnError
from pipelines.commands.output import print_json, say, say_next, stdout
from pipelines.pachd.fsck import DATABASE
from pipelines.project import Project


def fsck(*, project: Path | None, fix: bool, json: bool) -> None:
    """Read and check everything that is stored. Raises ForewarnError when something is damaged."""
    with Project.find(project).connect() as pachd:
        problems = pachd.ask("Fsck", fix=fix)
    if json:
        print_json({"problems": problems})
    else:
        for problem in problems:
            stdout.print("; ".join(filter(None, problem.values())), markup=False)
    if not problems:
        say("everything is as it was written")
        return
    hint = "files it names can be healed by a push"
    if any(problem["what"].startswith(DATABASE) for problem in problems):
        hint = "the database cannot be mended: put the project's folder back from a backup"
    elif not fix:
        say_next("forewarn fsck --fix   (then push again the files it names)")
    raise ForewarnError(f"{len(problems)} problem(s) found", hint=hint)


def gc(*, project: Path | None, json: bool) -> None:
    """Remove what no commit needs any more; safe while jobs and pushes run."""
    with Project.find(project).connect() as pachd:
        removed = pachd.ask("CollectGarbage")
    if json:
        print_json(removed)
        return
    say(
        f"removed {removed['objects']} object(s), {removed['bytes'] / 1e6:.1f} MB; "
        f"{removed['contents']} content(s) and {removed['nodes']} directory node(s) forgotten; "
        f"{removed['repacked_bytes'] / 1e6:.1f} MB packed anew"
    )
