"""`[project]`, `[report]` and `[pipelines]`: what is shown, and where the work is done."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from pipelines.config.section import Section
from pipelines.durations import Duration


class ProjectSection(Section):
    """`[project]`: what the reports are titled with."""

    name: str = "fleet"


class ReportSection(Section):
    """`[report]`: what the report shows and when a robot raises an alert."""

    title: str = ""
    rank_by: Literal["day", "now"] = "day"
    reasons: int = Field(5, ge=1, le=20)
    alerts_per_robot_day: float = Field(1.0, gt=0)
    refractory: Duration = timedelta(minutes=30)


class PipelineSection(Section):
    """`[pipelines]`: workers, where they run, where files are kept, and the image on a cluster."""

    workers: int = Field(2, ge=1)
    scheduler: str = Field("", description="a Dask scheduler, tcp://host:8786; '' = workers on this machine")
    objects: str = Field(
        "", description="where file contents are kept: a folder or URL such as s3://bucket/x; '' = .forewarn/"
    )
    image: str = "forewarn:latest"
