"""Pipeline specs as values: the JSON a Pachyderm cluster takes, checked before a pipeline exists.

A key falls in one of three classes. Those the engine obeys become fields. Those that only place pods on a
cluster (resource requests, scheduling, pod patches, secrets …) are accepted and kept, so that one file
serves both. Those that change what a pipeline does and that the engine lacks are refused with a sentence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from features.errors import DataError
from pipelines.pachd.errors import UnsupportedError
from pipelines.pachd.fields import Fields, snake_case
from pipelines.pachd.inputs import DEFAULT_PROJECT, Input, input_json, parse_input

if TYPE_CHECKING:
    from pachyderm_sdk.api import pps

DEFAULT_TRIES: Final = 3
STEP_PACKAGE: Final = "pipelines.steps."
_NAME = re.compile(r"[A-Za-z0-9_-]{1,51}")
_CLUSTER_ONLY = (
    "resource_requests",
    "sidecar_resource_limits",
    "sidecar_resource_requests",
    "scheduling_spec",
    "pod_spec",
    "pod_patch",
    "tolerations",
    "autoscaling",
    "maximum_expected_uptime",
)
_UNSUPPORTED = {
    "service": "service pipelines keep a server running; run it beside the engine instead",
    "spout": "spouts have no input; push from a program of your own instead",
    "egress": "egress is not done; read the output repo and write it where it should go",
    "s3_out": "s3_out needs Pachyderm's S3 gateway; write to /pfs/out",
    "tf_job": "TensorFlow jobs need Kubernetes",
    "determined": "Determined workspaces need a Determined cluster",
    "spec_commit": "spec_commit is set by Pachyderm's own tools only",
}


@dataclass(frozen=True)
class Transform:
    """The command of a pipeline and its surroundings; `image` matters on a cluster only.

    datum_batching: the command is started once for many datums and asks for each (see batching.py).
    """

    cmd: tuple[str, ...]
    stdin: tuple[str, ...] = ()
    err_cmd: tuple[str, ...] = ()
    err_stdin: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    accept_return_code: tuple[int, ...] = ()
    working_dir: str = ""
    datum_batching: bool = False
    image: str = ""

    @property
    def step(self) -> str:
        """The module to run warm when the command is one of our steps, else ""."""
        ours = len(self.cmd) == 3 and re.fullmatch(r"(.*/)?python3?", self.cmd[0]) and self.cmd[1] == "-m"
        plain = not (self.stdin or self.working_dir or self.datum_batching)
        return self.cmd[2] if ours and plain and self.cmd[2].startswith(STEP_PACKAGE) else ""


@dataclass(frozen=True)
class DatumSetSpec:
    """How datums are grouped into units of work: by number, by bytes, or so many sets per worker."""

    number: int = 0
    size_bytes: int = 0
    per_worker: int = 0


@dataclass(frozen=True)
class PipelineSpec:
    """A checked spec. Times are in seconds; `raw` is the JSON it came from, nulls and all.

    parallelism: how many workers its datums may take at once; 0 for as many as there are. memory: bytes that
    the processes of a datum may hold, 0 for any.
    """

    name: str
    transform: Transform
    input: Input
    raw: Mapping[str, Any]
    project: str = DEFAULT_PROJECT
    description: str = ""
    parallelism: int = 1
    datum_set: DatumSetSpec = DatumSetSpec()
    datum_tries: int = DEFAULT_TRIES
    datum_timeout_s: float | None = None
    memory: int = 0
    job_timeout_s: float | None = None
    output_branch: str = "master"
    salt: str = ""
    reprocess_spec: Literal["until_success", "every_job"] = "until_success"
    update: bool = False
    reprocess: bool = False
    dry_run: bool = False

    @cached_property
    def request(self) -> "pps.CreatePipelineRequest":
        """The spec as the SDK's message, the input's defaults filled in."""
        from pachyderm_sdk.api import pps

        return pps.CreatePipelineRequest().from_dict(_for_sdk(self.raw) | {"input": input_json(self.input)})

    @cached_property
    def effective_json(self) -> str:
        """`request` as JSON."""
        return str(self.request.to_json())


def parse_spec(raw: object) -> PipelineSpec:
    """Read one spec, a dict with Pachyderm's field names in either case.

    Raises DataError naming the key, what was got and expected, and UnsupportedError for what only a
    cluster can do.
    """
    fields = Fields(raw, "")
    for key, sentence in _UNSUPPORTED.items():
        if fields.get(key):
            raise UnsupportedError(f"{key}: {sentence}")
    for key in (*_CLUSTER_ONLY, "metadata"):
        fields.has(key)
    pipeline = fields.inner("pipeline")
    name = pipeline.required("name")
    if not _NAME.fullmatch(name):
        raise DataError("pipeline.name is not valid", got=name, expected="1-51 letters, digits, - or _")
    project = pipeline.inner("project").text("name", DEFAULT_PROJECT)
    pipeline.finish()
    if not fields.has("input"):
        raise DataError("input is missing", hint="a pipeline reads at least one repo")
    spec = PipelineSpec(
        name=name,
        project=project,
        transform=_transform(fields.inner("transform")),
        input=parse_input(fields.get("input"), pipeline=name, project=project),
        raw=raw if isinstance(raw, dict) else {},
        description=fields.text("description"),
        parallelism=_parallelism(fields.inner("parallelism_spec")),
        datum_set=_datum_set(fields.inner("datum_set_spec")),
        datum_tries=fields.count("datum_tries", DEFAULT_TRIES),
        datum_timeout_s=fields.seconds("datum_timeout"),
        memory=fields.inner("resource_limits").size("memory"),
        job_timeout_s=fields.seconds("job_timeout"),
        output_branch=fields.text("output_branch", "master"),
        salt=fields.text("salt"),
        reprocess_spec=_reprocess(fields),
        update=fields.flag("update"),
        reprocess=fields.flag("reprocess"),
        dry_run=fields.flag("dry_run"),
    )
    fields.finish()
    return spec


def _transform(fields: Fields) -> Transform:
    for key in ("secrets", "image_pull_secrets", "user", "dockerfile", "memory_volume", "debug"):
        fields.has(key)
    codes = tuple(fields.items("accept_return_code"))
    if not all(re.fullmatch(r"\d{1,3}", str(code)) for code in codes):
        raise DataError(f"{fields.path('accept_return_code')} must be exit codes", got=list(codes))
    transform = Transform(
        cmd=fields.texts("cmd"),
        stdin=fields.texts("stdin"),
        err_cmd=fields.texts("err_cmd"),
        err_stdin=fields.texts("err_stdin"),
        env=fields.pairs("env"),
        accept_return_code=tuple(int(str(code)) for code in codes),
        working_dir=fields.text("working_dir"),
        datum_batching=fields.flag("datum_batching"),
        image=fields.text("image"),
    )
    fields.finish()
    if not transform.cmd:
        raise DataError(
            f"{fields.path('cmd')} is missing",
            expected='a command such as ["python3", "/app/step.py"]',
            hint="the embedded engine has no image whose entry point it could run",
        )
    return transform


def _parallelism(fields: Fields) -> int:
    constant = fields.count("constant") if fields.has("constant") else 1
    fields.finish()
    return constant


def _datum_set(fields: Fields) -> DatumSetSpec:
    spec = DatumSetSpec(fields.count("number"), fields.count("size_bytes"), fields.count("per_worker"))
    fields.finish()
    if spec.per_worker and (spec.number or spec.size_bytes):
        raise DataError(f"{fields.path('per_worker')} cannot be set with number or size_bytes")
    return spec


def _reprocess(fields: Fields) -> Literal["until_success", "every_job"]:
    value = fields.text("reprocess_spec", "until_success")
    if value == "every_job":
        return "every_job"
    if value != "until_success":
        raise DataError("reprocess_spec is not valid", got=value, expected="until_success or every_job")
    return "until_success"


def _for_sdk(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The SDK reads durations as protobuf's "90s" only, and takes no nulls."""
    clean = {key: value for key, value in raw.items() if value is not None}
    for key in ("datumTimeout", "datum_timeout", "jobTimeout", "job_timeout"):
        if key in clean and (seconds := Fields(clean, "").seconds(snake_case(key))) is not None:
            clean[key] = f"{seconds:.9f}s"
    return clean
