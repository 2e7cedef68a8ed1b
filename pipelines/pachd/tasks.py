"""What a worker is told about a datum, and what it answers. Plain values: they travel between processes."""

from dataclasses import dataclass, field, replace
from typing import Literal

from pipelines.pachd.capture import Capture, LogLine
from pipelines.pachd.datums import Datum
from pipelines.pachd.mounts import MountedFile
from pipelines.pachd.objects import FileRef, Objects
from pipelines.pachd.sandbox import PFS
from pipelines.pachd.spec import DEFAULT_TRIES, Transform

State = Literal["success", "failed", "recovered"]


@dataclass(frozen=True)
class DatumTask:
    """Everything a worker needs for one datum.

    env: what `datum_env` says, with paths under /pfs. timeout_s: per try. memory: bytes its
    processes may hold, 0 for any. scratch: folder for the datum's
    files, "" for the system's; whoever owns it may empty it at start-up, a killed worker cannot. stop_file:
    when this file appears the datum is killed (the job was stopped or ran out of time).
    """

    pipeline: str
    job_id: str
    datum_id: str
    inputs: tuple[MountedFile, ...]
    transform: Transform
    env: dict[str, str]
    objects: Objects
    tries: int = DEFAULT_TRIES
    timeout_s: float | None = None
    memory: int = 0
    scratch: str = ""
    stop_file: str = ""

    @property
    def size(self) -> int:
        """Bytes of all inputs."""
        return sum(file.ref.size for file in self.inputs)


@dataclass(frozen=True)
class DatumResult:
    """What became of a datum. files: {path in the output repo: content}, empty unless it succeeded."""

    datum_id: str
    state: State
    files: dict[str, FileRef] = field(default_factory=dict)
    log: tuple[LogLine, ...] = ()
    error: str = ""
    tries: int = 0
    download_s: float = 0.0
    process_s: float = 0.0
    upload_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    peak_bytes: int = 0
    stopped: bool = False


def datum_env(
    datum: Datum, *, pipeline: str, job_id: str, output_commit: str, project: str
) -> dict[str, str]:
    """The environment Pachyderm gives a datum's command (`UserCodeEnv`), paths under /pfs."""
    env = {
        "PACH_JOB_ID": job_id,
        "PACH_DATUM_ID": datum.id,
        "PACH_OUTPUT_COMMIT_ID": output_commit,
        "PPS_PIPELINE_NAME": pipeline,
        "PPS_PROJECT_NAME": project,
    }
    for i in datum.inputs:
        env[i.name] = f"{PFS}/{i.name}{i.path.rstrip('/')}"
        env[f"{i.name}_COMMIT"] = i.commit
        if i.join_on:
            env[f"PACH_DATUM_{i.name}_JOIN_ON"] = i.join_on
        if i.group_by:
            env[f"PACH_DATUM_{i.name}_GROUP_BY"] = i.group_by
    return env


@dataclass
class Progress:
    """The state of one datum while it runs."""

    task: DatumTask
    capture: Capture = field(default_factory=Capture)
    download_s: float = 0.0
    process_s: float = 0.0
    upload_s: float = 0.0
    bytes_in: int = 0
    peak_bytes: int = 0

    def result(self, state: State, tries: int, **more: object) -> DatumResult:
        """The datum's result, with what was measured and printed so far."""
        self.capture.end()
        result = DatumResult(
            datum_id=self.task.datum_id,
            state=state,
            log=self.capture.lines(),
            tries=tries,
            download_s=self.download_s,
            process_s=self.process_s,
            upload_s=self.upload_s,
            bytes_in=self.bytes_in,
            peak_bytes=self.peak_bytes,
        )
        return replace(result, **more)  # type: ignore[arg-type]
