"""`[project]`, `[report]` and `[pipelines]`: what is shown, and where the work is done."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from pipelines.config.section import Section
from pipelines.durations import Duration

DAY = timedelta(days=1)


class ProjectSection(Section):
    """`[project]`: what the reports are titled with."""

    name: str = Field("fleet", description="of the fleet")


class CostSection(Section):
    """`[report.costs]`: what errors cost, in any one currency; prices the alert budgets of the report."""

    false_alarm: float | None = Field(None, ge=0, description="of an alert with no failure after it")
    missed_failure: float | None = Field(None, ge=0, description="of a failure with no alert before it")

    @model_validator(mode="after")
    def _both(self) -> "CostSection":
        if (self.false_alarm is None) != (self.missed_failure is None):
            raise ValueError("give both false_alarm and missed_failure, or neither")
        return self


class ReportSection(Section):
    """`[report]`: what the report shows and when a robot raises an alert."""

    title: str = Field("", description="of the page; '' = the project's name")
    rank_by: Literal["day", "now"] = Field(
        "day", description="'day': mean risk of the last 24 h; 'now': the newest"
    )
    reasons: int = Field(5, ge=1, le=20, description="shown per robot")
    alerts_per_robot_day: float = Field(
        1.0, gt=0, description="false alarms the threshold may cost on validation"
    )
    refractory: Duration = Field(timedelta(minutes=30), description="silence of a robot after its alert")
    shift: Duration = Field(DAY, description="how long a shift lasts")
    alerts_per_shift: tuple[float, ...] = Field((1, 2, 5, 10), description="budgets to plan with, fleet-wide")
    costs: CostSection = CostSection()


class PipelineSection(Section):
    """`[pipelines]`: workers, where they run, where files are kept, and the image on a cluster."""

    workers: int = Field(2, ge=1, description="processes on this machine; a scheduler's workers are all used")
    scheduler: str = Field("", description="a Dask scheduler, tcp://host:8786; '' = workers on this machine")
    objects: str = Field(
        "", description="where file contents are kept: a folder or URL such as s3://bucket/x; '' = .forewarn/"
    )
    image: str = Field("forewarn:latest", description="container that runs the steps on a cluster")
    cpu: float | None = Field(None, gt=0, description="cores a worker asks a cluster for; none = its default")
    memory: str = Field("", pattern=r"^(\d+(Mi|Gi))?$", description="memory likewise, such as '2Gi'")
    memory_limit: str = Field(
        "",
        pattern=r"^(\d+(Mi|Gi))?$",
        description="most a datum may hold, or it fails; on a cluster its pod's; '' = any",
    )
    datum_timeout: Duration = Field(timedelta(hours=1), description="longest a try of a datum may take")
    autoscaling: bool = Field(False, description="on Pachyderm: no worker where nothing is to be done")
    datums_per_set: int = Field(0, ge=0, description="datums sent to a worker at a time; 0 = by their number")
