"""The dashboard's view of a project: `reports.dashboard.Source`, answered by a pachd."""

import io
import json
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import ConflictError, DataError, NotFoundError
from features.schema import ROBOT
from pipelines import feedback
from pipelines.alerts.book import Book
from pipelines.alerts.shown import ShownAlerts
from pipelines.client import PUSH, Pachd
from pipelines.committed import summary_of
from pipelines.config import Config
from pipelines.pachd.globs import compile_glob
from pipelines.project import Project
from pipelines.specs import REPOS, STEPS
from pipelines.steps.files import decode, encode
from reports.dashboard.source import Kind, PipelineView, Report
from reports.dashboard.views import ChangeView, CommitView, DatumView, JobView

JOBS: Final = 50
_PLACES: Final[Mapping[Kind, tuple[str, str]]] = {
    "observations": ("join", "/observations/{robot}/{day}/observations.parquet"),
    "failures": ("join", "/observations/{robot}/{day}/failures.parquet"),
    "risk": ("score", "/risk/{robot}/{day}.parquet"),
    "reasons": ("score", "/reasons/{robot}/{day}.parquet"),
    "similar": ("score", "/similar/{robot}/{day}.parquet"),
    "operation": ("join", "/operation/{robot}/{day}.parquet"),
}
_PIECE: Final = ("source", "member", "line", "stream", "reason", "detail")


@contextmanager
def serve_dashboard(
    project: Project,
    address: str,
    host: str,
    port: int,
    *,
    token: str = "",
    certificate: Path | None = None,
    key: Path | None = None,
) -> Iterator[str]:
    """Serve a project's dashboard from a thread of its own while the context lasts; its URL.

    Port 0 takes a free one. token: the engine's, for others than this machine: then it is served over TLS
    with `certificate` and `key`, by any name, to who bears it or a token of the project. Raises ConflictError
    when the address is taken.
    """
    import uvicorn

    from reports.dashboard.app import create_app
    from reports.dashboard.tokens import Tokens

    config = project.config
    source = PachdSource(Pachd.at(address), config, Book(project.alert_file))
    scratch = project.state / "uploads"
    shutil.rmtree(scratch, ignore_errors=True)
    app = create_app(source, tokens=Tokens(project.token_file, token), scratch=scratch)
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ssl_certfile=certificate if token else None,
        ssl_keyfile=key if token else None,
    )
    server = uvicorn.Server(settings)
    host = host.strip("[]")
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise ConflictError(
            f"{host}:{port} is taken", got=error, hint="choose another with --http 127.0.0.1:PORT"
        ) from error
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="dashboard", daemon=True
    )
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"{'https' if token else 'http'}://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


class PachdSource(ShownAlerts):
    """What `Source` asks, of one project: its repos, jobs, configuration and book of alerts."""

    def __init__(self, pachd: Pachd, config: Config, book: Book) -> None:
        super().__init__(book)
        self.name = config.project.name
        self.units: Mapping[str, str] = config.units
        self._pachd = pachd
        self._glob = config.logs.glob
        self._summary = lru_cache(maxsize=4)(self._read_summary)
        self._entries = lru_cache(maxsize=1)(self._read_entries)

    def report(self) -> Report | None:
        """The newest report, None before the first."""
        commit = self._pachd.head("report")
        try:
            return Report(commit, self._summary(commit)) if commit else None
        except NotFoundError:  # the commit that a set-up makes before anything was pushed
            return None

    def report_page(self) -> bytes:
        """The newest `report.html`, as `reports.page.render` makes it of the summary; or NotFoundError."""
        from reports.page import render

        report = self.report()
        if report is None:
            raise NotFoundError("there is no report yet", hint="push a day's logs")
        return render(report.summary).encode()

    def days(self, robot: str) -> Sequence[str]:
        """Days a robot has scored data of, oldest first."""
        found = self._pachd.glob("score", f"/risk/{encode(robot)}/*")
        return [Path(file.path).stem for file in found]

    def table(self, kind: Kind, robot: str, day: str) -> pa.Table | None:
        """A robot-day's table, None where there is none."""
        repo, place = _PLACES[kind]
        try:
            return _parquet(self._pachd.read(repo, place.format(robot=encode(robot), day=day)))
        except NotFoundError:
            return None

    def events(self, robot: str, day: str) -> Mapping[str, pa.Table]:
        """Stream → a robot-day's events."""
        found = self._pachd.glob("join", f"/observations/{encode(robot)}/{day}/events/*")
        return {decode(Path(file.path).stem): _parquet(self._pachd.read("join", file.path)) for file in found}

    def quarantined(self, robot: str, day: str) -> Sequence[Mapping[str, Any]]:
        """Refused pieces of the files with records of a robot-day, but for those of other robots."""
        found: list[Mapping[str, Any]] = []
        files = self._pachd.glob("extract", f"/day/{encode(robot)}/{day}/*/*")
        for name in sorted({Path(file.path).name for file in files}):
            table = _parquet(self._pachd.read("extract", f"/quarantine/{name}"))
            named = table.column(ROBOT)
            table = table.filter(pc.or_kleene(pc.is_null(named), pc.equal(named, robot)))
            found += table.select(_PIECE).slice(0, JOBS).to_pylist()
        return found

    def pipelines(self) -> Sequence[PipelineView]:
        """Pipelines in the order data flows."""
        found = self._pachd.pipelines()
        newest = {job.pipeline: job for job in reversed(self.jobs())}
        return [
            PipelineView(
                name=name,
                state=found[name]["state"],
                inputs=_inputs(json.loads(found[name]["spec"])["input"]),
                job=newest.get(name) or next(iter(self.jobs(pipeline=name)), None),
            )
            for name in sorted(found, key=_flow)
        ]

    def jobs(self, *, commit: str | None = None, pipeline: str | None = None) -> Sequence[JobView]:
        """Newest jobs first, at most fifty."""
        number = 1 if pipeline else JOBS
        return self._pachd.jobs(commit=commit, pipeline=pipeline, number=number)

    def datums(self, pipeline: str, commit: str, limit: int) -> Sequence[DatumView]:
        """The first datums of a job, failed ones first."""
        found = sorted(self._pachd.datums(pipeline, commit), key=lambda datum: not datum.failed)
        return found[:limit]

    def logs(self, pipeline: str, commit: str, limit: int) -> Sequence[str]:
        """The last log lines of a job."""
        return list(self._pachd.logs(pipeline, commit))[-limit:]

    def retry(self, pipeline: str, commit: str) -> str:
        """Run a job's failed datums again; the new job's commit. Raises ConflictError when none failed."""
        failed = [datum.id for datum in self._pachd.datums(pipeline, commit) if datum.failed]
        if not failed:
            raise ConflictError(f"no datum of {pipeline} {commit} failed")
        return str(self._pachd.ask("RerunDatums", pipeline=pipeline, datums=failed)["job"])

    def repos(self) -> Sequence[str]:
        """The project's repos."""
        extra = [feedback.FEEDBACK] if self._pachd.has_repo(feedback.FEEDBACK) else []
        return [*REPOS, *STEPS, *extra]

    def commits(self, repo: str, limit: int) -> Sequence[CommitView]:
        """Newest commits of a repo first."""
        return self._pachd.commits(repo, limit)

    def changes(self, repo: str, commit: str, limit: int) -> Sequence[ChangeView]:
        """What a commit changed against the one before it."""
        return list(islice(self._pachd.diff(repo, None, commit), limit))

    def push(self, files: Mapping[str, Path]) -> str:
        """One commit of `logs@master`. Raises DataError where no datum would see a file."""
        glob = compile_glob(self._glob)
        for path in files:
            parts = (path, *(str(parent) for parent in Path(path).parents))
            if not any(glob.match(part) is not None for part in parts):
                raise DataError(
                    "a file would be pushed where no datum sees it",
                    got=path,
                    expected=f'a path that matches logs.glob = "{self._glob}"',
                )
        if not files:
            raise DataError("nothing was uploaded")
        return self._pachd.put("logs", dict(files), description=PUSH)

    def feedback(self) -> Sequence[Mapping[str, Any]]:
        """Everything said about alerts, oldest first."""
        commit = feedback.newest(self._pachd)
        return self._entries(commit) if commit else []

    def add_feedback(self, entry: Mapping[str, Any]) -> str:
        """Commit one entry; a verdict becomes a label."""
        return feedback.add(self._pachd, entry)

    def _read_entries(self, commit: str) -> Sequence[Mapping[str, Any]]:
        return feedback.entries(self._pachd, commit)

    def _read_summary(self, commit: str) -> Mapping[str, Any]:
        return summary_of(self._pachd, commit)


def _parquet(content: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(content))


def _flow(name: str) -> int:
    return STEPS.index(name) if name in STEPS else len(STEPS)


def _inputs(value: Mapping[str, Any]) -> tuple[str, ...]:
    if "pfs" in value:
        return (str(value["pfs"]["repo"]),)
    found = [
        name
        for kind in ("cross", "union", "join", "group")
        for part in value.get(kind, ())
        for name in _inputs(part)
    ]
    return tuple(dict.fromkeys(found))
