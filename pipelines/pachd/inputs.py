"""What a pipeline reads: the input part of a spec as values, checked once so nothing later has to.

Sources: Pachyderm 2.x `validateInput`, `validateNames` and `setInputDefaults`.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from features.errors import DataError
from pipelines.pachd.cron import parse_cron
from pipelines.pachd.errors import UnsupportedError
from pipelines.pachd.fields import Fields
from pipelines.pachd.globs import compile_glob

Kind = Literal["cross", "union", "join", "group"]
DEFAULT_PROJECT = "default"
RESERVED_NAMES = ("out", ".env")


@dataclass(frozen=True)
class PfsInput:
    """Files of a branch; each match of `glob` is one datum. `commit` is set only for a job's own inputs."""

    name: str
    repo: str
    glob: str
    project: str = DEFAULT_PROJECT
    branch: str = "master"
    commit: str = ""
    join_on: str = ""
    outer_join: bool = False
    group_by: str = ""
    lazy: bool = False
    empty_files: bool = False


@dataclass(frozen=True)
class CronInput:
    """Ticks of `spec`, committed as empty files named by their time to branch master of `repo`.

    overwrite: keep only the last tick. start: ticks are counted from here (None: the pipeline's creation).
    """

    name: str
    repo: str
    spec: str
    project: str = DEFAULT_PROJECT
    commit: str = ""
    overwrite: bool = False
    start: datetime | None = None

    @property
    def files(self) -> PfsInput:
        """The same datums as files: one per tick."""
        return PfsInput(name=self.name, repo=self.repo, glob="/*", project=self.project, commit=self.commit)


@dataclass(frozen=True)
class Combined:
    """Datums made of the datums of other inputs."""

    kind: Kind
    inputs: tuple["Input", ...]


Input: TypeAlias = PfsInput | CronInput | Combined


def leaves(given: Input) -> Iterator[PfsInput | CronInput]:
    """Every repo input, in the order of the spec."""
    if isinstance(given, Combined):
        for child in given.inputs:
            yield from leaves(child)
    else:
        yield given


def input_json(given: Input) -> dict[str, Any]:
    """The JSON of an input with every default filled in, as InspectPipeline and InspectJob show it."""
    if isinstance(given, Combined):
        return {given.kind: [input_json(child) for child in given.inputs]}
    shown = {key: value for key, value in asdict(given).items() if value not in ("", False, None)}
    if isinstance(given, PfsInput):
        return {"pfs": shown}
    return {"cron": shown | ({"start": given.start.isoformat()} if given.start else {})}


def parse_input(
    raw: object, *, pipeline: str = "", project: str = DEFAULT_PROJECT, pinned: bool = False
) -> Input:
    """Read the `input` of a spec, or, `pinned`, of a request that may name commits (ListDatum).

    Raises DataError naming the key for anything a cluster refuses too (no or several kinds in one input,
    no repo or glob, a name used twice, a bad glob or cron expression) and for a `join_on` or `group_by`
    that refers to a capture group its glob does not have. Raises UnsupportedError for s3 inputs, triggers.
    """
    parsed = _parse(raw, "input", _Context(pipeline, project, pinned))
    _check_names(parsed, set())
    return parsed


@dataclass(frozen=True)
class _Context:
    pipeline: str
    project: str
    pinned: bool

    def commit(self, fields: Fields) -> str:
        commit = fields.text("commit")
        if commit and not self.pinned:
            raise DataError(
                f"{fields.path('commit')}: an input cannot come from a commit",
                hint="use a branch with head pointing to the commit",
            )
        return commit


def _parse(raw: object, where: str, context: _Context) -> Input:
    fields = Fields(raw, where)
    kinds = ("pfs", "cron", *get_args(Kind))
    given = [kind for kind in kinds if fields.has(kind)]
    fields.finish()
    if len(given) != 1:
        raise DataError(
            f"{where} must have one kind of input", got=given, expected=f"one of {', '.join(kinds)}"
        )
    if given == ["pfs"]:
        return _pfs(fields.inner("pfs"), context)
    if given == ["cron"]:
        return _cron(fields.inner("cron"), context)
    kind: Kind = next(kind for kind in get_args(Kind) if kind in given)
    children = fields.items(kind)
    if not children:
        raise DataError(f"{where}.{kind} is empty", expected="at least one input")
    parsed = [_parse(child, f"{where}.{kind}[{i}]", context) for i, child in enumerate(children)]
    return Combined(kind, tuple(parsed))


def _pfs(fields: Fields, context: _Context) -> PfsInput:
    for key, what in {
        "s3": "s3 inputs need Pachyderm's S3 gateway",
        "trigger": "triggers are not run; use a cron input or push when ready",
        "reference": "reference inputs are not supported",
    }.items():
        if fields.get(key):
            raise UnsupportedError(f"{fields.path(key)}: {what}")
    if fields.inner("propagation_spec").get("never"):
        raise UnsupportedError(f"{fields.path('propagation_spec')}: every commit of an input starts a job")
    if fields.text("repo_type", "user") != "user":
        raise UnsupportedError(f"{fields.path('repo_type')}: only user repos can be read")
    repo = fields.required("repo")
    glob = compile_glob(fields.required("glob"))
    parsed = PfsInput(
        name=fields.text("name", repo),
        repo=repo,
        glob=glob.pattern,
        project=fields.text("project", context.project),
        branch=fields.text("branch", "master"),
        commit=context.commit(fields),
        join_on=fields.text("join_on"),
        outer_join=fields.flag("outer_join"),
        group_by=fields.text("group_by"),
        lazy=fields.flag("lazy"),
        empty_files=fields.flag("empty_files"),
    )
    glob.check_template(parsed.join_on)
    glob.check_template(parsed.group_by)
    fields.finish()
    return parsed


def _cron(fields: Fields, context: _Context) -> CronInput:
    name = fields.required("name")
    start = fields.text("start")
    try:
        begins = datetime.fromisoformat(start) if start else None
    except ValueError as error:
        raise DataError(f"{fields.path('start')} must be an RFC 3339 time", got=start) from error
    parsed = CronInput(
        name=name,
        repo=fields.text("repo", f"{context.pipeline}_{name}"),
        spec=fields.required("spec"),
        project=fields.text("project", context.project),
        commit=context.commit(fields),
        overwrite=fields.flag("overwrite"),
        start=begins,
    )
    parse_cron(parsed.spec)
    fields.finish()
    return parsed


def _check_names(given: Input, used: set[str]) -> None:
    """Names are directories under /pfs: unique within a datum, so only parts of a union may share them."""
    if not isinstance(given, Combined):
        if given.name in RESERVED_NAMES or "/" in given.name:
            raise DataError("an input cannot have this name", got=given.name, hint="set another `name`")
        if given.name in used:
            raise DataError("an input's name is used more than once", got=given.name, hint="set `name`")
        used.add(given.name)
    elif given.kind == "union":
        parts = [set(used) for _ in given.inputs]
        for child, names in zip(given.inputs, parts, strict=True):
            _check_names(child, names)
        used.update(*parts)
    else:
        for child in given.inputs:
            _check_names(child, used)
