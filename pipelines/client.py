"""What forewarn asks of a pachd, through an unmodified `pachyderm_sdk.Client`.

The same calls reach the embedded engine and a Pachyderm cluster; nothing here knows which it is.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from socket import gethostname
from typing import Any, Final

import grpc
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

from features.errors import ForewarnError, NotFoundError, UsageError
from pipelines.answers import Datum, Job, StoredFile, seconds_between
from pipelines.refusals import sentence, translated
from reports.dashboard.views import ChangeView, CommitView

CHUNK_BYTES: Final = 16 << 20
MASTER: Final = "master"
PUSH: Final = "forewarn push"
DONE: Final = frozenset({"SUCCESS", "FAILURE", "KILLED", "UNRUNNABLE"})
SIGNED: Final = re.compile(r"\(process (?P<pid>\d+) on (?P<host>\S+)\)$")
TRY: Final = re.compile(r"try \d+ of \d+: ")

__all__ = ["PUSH", "Content", "Datum", "Job", "Pachd", "StoredFile"]

Content = bytes | Path


class Pachd:
    """A pachd, local or remote. Errors of the server become forewarn's, with its sentence."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    def at(cls, address: str) -> "Pachd":
        """Connect to `host:port` or a `grpc://`, `grpcs://` address.

        The token is `$PACH_PYTHON_AUTH_TOKEN`, the SDK's own; `$SSL_CERT_FILE` has the certificates to trust.
        Raises UsageError for what is no address, ForewarnError when nobody answers.
        """
        trusted = os.environ.get("SSL_CERT_FILE") if address.startswith("grpcs://") else None
        try:
            certificates = Path(trusted).read_bytes() if trusted else None
            client = Client.from_pachd_address(address, root_certs=certificates)
        except (ValueError, OSError) as error:
            raise UsageError(
                f"no address of a pachd: {error}",
                got=address,
                expected="127.0.0.1:30650 or grpcs://HOST:PORT",
            ) from error
        try:
            client.get_version()
        except (grpc.RpcError, ConnectionError) as error:
            raise ForewarnError(
                f"no pachd answers at {address}", got=sentence(error), hint="start one with: forewarn up"
            ) from error
        return cls(client)

    def has_repo(self, repo: str) -> bool:
        """Whether there is such a repo."""
        with translated():
            return bool(self._client.pfs.repo_exists(_repo(repo)))

    def create_repo(self, repo: str) -> bool:
        """Create a repo unless it exists; whether it was created."""
        if self.has_repo(repo):
            return False
        with translated():
            self._client.pfs.create_repo(repo=_repo(repo))
        return True

    def put(
        self,
        repo: str,
        files: Mapping[str, Content],
        *,
        delete: tuple[str, ...] = (),
        description: str = "",
        progress: Callable[[int], None] = lambda _bytes: None,
    ) -> str:
        """Write files (path in the repo → bytes or local file) as one atomic commit; its id.

        When anything fails the open commit is dropped: nothing of it is ever visible.
        """
        with translated():
            signed = f"{description} (process {os.getpid()} on {gethostname()})".lstrip()
            commit = self._client.pfs.start_commit(branch=_branch(repo), description=signed)
            try:
                self._client.pfs.modify_file(_operations(commit, files, delete, progress))
            except BaseException:
                self._client.pfs.drop_commit_set(commit_set=pfs.CommitSet(id=commit.id))
                raise
            self._client.pfs.finish_commit(commit=commit)
        return str(commit.id)

    def drop_abandoned(self, repo: str) -> bool:
        """Drop the newest commits of a repo that `put` began in a process that died; whether there was one.

        What waits for such a commit would wait for ever. Processes of other machines are not judged.
        """
        dropped = False
        with translated():
            for info in self._client.pfs.list_commit(repo=_repo(repo)):
                if _time(info.finishing) is not None or not _died(info.description):
                    break
                self._client.pfs.drop_commit_set(commit_set=pfs.CommitSet(id=info.commit.id))
                dropped = True
        return dropped

    def head(self, repo: str) -> str | None:
        """Id of the newest finished commit of `repo@master`, None when there is none."""
        try:
            with translated():
                for number in (1, 8, 64, 0):  # those before it are open pushes; 0 tells the whole history
                    for info in self._client.pfs.list_commit(repo=_repo(repo), to=_head(repo), number=number):
                        if _time(info.finished) is not None and not info.error:
                            return str(info.commit.id)
        except NotFoundError:
            return None
        return None

    def commits(self, repo: str, number: int) -> list[CommitView]:
        """The newest commits of a repo, newest first. Raises NotFoundError for an unknown repo."""
        with translated():
            return [
                CommitView(
                    id=info.commit.id,
                    description=info.description,
                    started=_time(info.started),
                    finished=_time(info.finished),
                    size=info.details.size_bytes if info.details else info.size_bytes_upper_bound,
                    error=info.error,
                )
                for info in self._client.pfs.list_commit(repo=_repo(repo), number=number)
            ]

    def resolve(self, repo: str, reference: str) -> str:
        """Id of the commit of a repo that an id or a branch, maybe with `^` or `^2`, names."""
        with translated():
            return str(self._client.pfs.inspect_commit(commit=_commit(repo, reference)).commit.id)

    def provenance(self, repo: str, commit: str) -> dict[str, str]:
        """Repo → id of the commits that a commit was made from directly."""
        with translated():
            info = self._client.pfs.inspect_commit(commit=_commit(repo, commit))
            return {one.repo.name: one.id for one in info.direct_provenance if one.repo.type == "user"}

    def diff(self, repo: str, old: str | None, new: str) -> Iterator[ChangeView]:
        """Files that differ between two commits of a repo, in path order; None is the commit before `new`."""
        pair = {"new_file": _file(repo, "/", new)}
        if old is not None:
            pair["old_file"] = _file(repo, "/", old)
        with translated():
            for change in self._client.pfs.diff_file(**pair):
                sizes = [
                    one.size_bytes if one is not None and one.file_type == pfs.FileType.FILE else None
                    for one in (change.old_file, change.new_file)
                ]
                if sizes != [None, None]:
                    told = change.old_file if sizes[1] is None else change.new_file
                    yield ChangeView(told.file.path, *sizes)

    def read(self, repo: str, path: str, commit: str | None = None) -> bytes:
        """Content of one file. Raises NotFoundError."""
        with translated(), self._client.pfs.pfs_file(_file(repo, path, commit)) as stream:
            return bytes(stream.read())

    def read_all(self, repo: str, pattern: str = "/*") -> dict[str, bytes]:
        """Content of every file of the newest commit that matches and is not damaged."""
        found = {}
        for file in self.glob(repo, pattern):
            with suppress(ForewarnError):
                found[file.path] = self.read(repo, file.path)
        return found

    def download(self, repo: str, path: str, folder: Path, commit: str | None = None) -> None:
        """Copy a folder or file of a commit below a local folder."""
        with translated(), self._client.pfs.pfs_tar_file(_file(repo, path, commit)) as tar:
            tar.extractall(folder, filter="data")

    def glob(self, repo: str, pattern: str, commit: str | None = None) -> Iterator[StoredFile]:
        """Files and folders of a commit that match, in path order."""
        with translated():
            for info in self._client.pfs.glob_file(commit=_commit(repo, commit), pattern=pattern):
                yield StoredFile(info.file.path, info.size_bytes, info.hash.hex())

    def pipelines(self) -> dict[str, dict[str, Any]]:
        """Name → state, version and the spec as its user wrote it."""
        with translated():
            return {
                info.pipeline.name: {
                    "state": pps.PipelineState(info.state).name.removeprefix("PIPELINE_").lower(),
                    "version": info.version,
                    "spec": info.user_spec_json,
                }
                for info in self._client.pps.list_pipeline()
            }

    def create_pipeline(self, spec_json: str, *, update: bool = False) -> None:
        """Create or update a pipeline from its JSON spec."""
        with translated():
            self._client.pps.create_pipeline_v2(create_pipeline_request_json=spec_json, update=update)

    def start_pipeline(self, name: str) -> None:
        """Run a stopped pipeline's jobs again, one at once when its inputs changed meanwhile."""
        with translated():
            self._client.pps.start_pipeline(pipeline=pps.Pipeline(name=name))

    def stop_pipeline(self, name: str) -> None:
        """Interrupt a pipeline's jobs and run no more until it is started."""
        with translated():
            self._client.pps.stop_pipeline(pipeline=pps.Pipeline(name=name))

    def rerun_pipeline(self, name: str, *, reprocess: bool) -> Job:
        """Start a job on what the inputs hold now; with `reprocess` every datum runs. The new job."""
        before = {job.commit for job in self.jobs(pipeline=name, number=1)}
        with translated():
            self._client.pps.rerun_pipeline(pipeline=pps.Pipeline(name=name), reprocess=reprocess)
        return next(job for job in self.jobs(pipeline=name, number=1) if job.commit not in before)

    def ask(self, call: str, **arguments: Any) -> Any:
        """One of forewarn's own calls (`pipelines.pachd.server_own`); UsageError when this is a cluster."""
        from pipelines.pachd.server_own import ask

        with translated():
            try:
                return ask(self._client._channel, call, **arguments)  # the SDK has no other way
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                    raise
                raise UsageError(
                    f"this pachd does not know {call}",
                    got="a Pachyderm cluster",
                    expected="forewarn's embedded pachd",
                    hint="unset PACHD_ADDRESS, or start one with: forewarn up",
                ) from error

    def jobs(self, *, commit: str | None = None, pipeline: str | None = None, number: int = 0) -> list[Job]:
        """Jobs of every version of the pipelines, newest first; of one commit set, one pipeline, or all."""
        with translated():
            if commit is not None:
                infos = self._client.pps.inspect_job_set(job_set=pps.JobSet(id=commit))
            else:
                which = pps.Pipeline(name=pipeline) if pipeline else None
                infos = self._client.pps.list_job(pipeline=which, number=number, history=-1)
            return [_job(info) for info in infos]

    def datums(self, pipeline: str, commit: str) -> Iterator[Datum]:
        """Datums of one job."""
        with translated():
            for info in self._client.pps.list_datum(
                job=pps.Job(pipeline=pps.Pipeline(name=pipeline), id=commit)
            ):
                took = info.stats.process_time
                yield Datum(
                    id=info.datum.id,
                    state=pps.DatumState(info.state).name,
                    inputs=tuple(f"{data.file.commit.repo.name}:{data.file.path}" for data in info.data),
                    seconds=took.total_seconds() if took else 0.0,
                )

    def why(self, pipeline: str, commit: str, datum: str) -> str:
        """What the last try of a datum said when it failed, "" where nothing is known of it any more."""
        tries = [line for line in self.logs(pipeline, commit, datum) if TRY.match(line)]
        return tries[-1].partition(": ")[2] if tries else ""

    def logs(self, pipeline: str, commit: str, datum: str | None = None) -> Iterator[str]:
        """Log lines of a job or of one datum."""
        job = pps.Job(pipeline=pps.Pipeline(name=pipeline), id=commit)
        wanted = pps.Datum(job=job, id=datum) if datum else None
        with translated():
            for message in self._client.pps.get_logs(job=job, datum=wanted):
                yield message.message


def _operations(
    commit: pfs.Commit, files: Mapping[str, Content], delete: tuple[str, ...], progress: Callable[[int], None]
) -> Iterator[pfs.ModifyFileRequest]:
    yield pfs.ModifyFileRequest(set_commit=commit)
    for path in delete:
        yield pfs.ModifyFileRequest(delete_file=pfs.DeleteFile(path=path))
    for path, content in files.items():
        yield pfs.ModifyFileRequest(delete_file=pfs.DeleteFile(path=path))
        yield pfs.ModifyFileRequest(add_file=pfs.AddFile(path=path, raw=b""))
        for chunk in _chunks(content):
            yield pfs.ModifyFileRequest(add_file=pfs.AddFile(path=path, raw=chunk))
            progress(len(chunk))


def _chunks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _died(description: str) -> bool:
    """Whether the process that signed a commit's description was of this machine and is no more."""
    signed = SIGNED.search(description)
    if signed is None or signed["host"] != gethostname():
        return False
    try:
        os.kill(int(signed["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _repo(name: str) -> pfs.Repo:
    return pfs.Repo(name=name, type="user", project=pfs.Project(name="default"))


def _branch(repo: str) -> pfs.Branch:
    return pfs.Branch(repo=_repo(repo), name=MASTER)


def _head(repo: str) -> pfs.Commit:
    return pfs.Commit(repo=_repo(repo), branch=_branch(repo))


def _commit(repo: str, commit: str | None) -> pfs.Commit:
    return pfs.Commit(repo=_repo(repo), id=commit) if commit else _head(repo)


def _file(repo: str, path: str, commit: str | None) -> pfs.File:
    return pfs.File(commit=_commit(repo, commit), path=path)


def _job(info: pps.JobInfo) -> Job:
    started, finished = _time(info.started), _time(info.finished)
    state = pps.JobState(info.state).name.removeprefix("JOB_")
    return Job(
        pipeline=info.job.pipeline.name,
        commit=info.job.id,
        state=state,
        total=info.data_total,
        processed=info.data_processed,
        skipped=info.data_skipped,
        failed=info.data_failed,
        recovered=info.data_recovered,
        reason=info.reason,
        started=started,
        finished=finished,
        seconds=seconds_between(started, finished),
        done=state in DONE,
        work_s=_work(info.stats),
    )


def _work(stats: pps.ProcessStats) -> float:
    phases = (stats.download_time, stats.process_time, stats.upload_time)
    return sum(float(phase.total_seconds()) for phase in phases if phase)


def _time(value: datetime | None) -> datetime | None:
    """A time the server told, None for the epoch, which is how the SDK reads a time that is not set."""
    return None if value is None or value.timestamp() == 0 else value
