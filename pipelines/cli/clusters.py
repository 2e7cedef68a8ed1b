"""Verbs about machines beyond this one: deploy to them, scale them, and what they would cost."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run

deploy = typer.Typer(no_args_is_help=True, help="Bring the project to a cluster.")
cluster = typer.Typer(no_args_is_help=True, help="Dask workers on Kubernetes.")
app.add_typer(deploy, name="deploy")
app.add_typer(cluster, name="cluster")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, change nothing.")]
Namespace = Annotated[str | None, typer.Option(help="Default: the kubeconfig's.")]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig; default: the current one.")]
Chart = Annotated[Path | None, typer.Option(help="Folder of the Helm chart; default: the source tree's.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="A value of the chart, KEY=VALUE.")]
Force = Annotated[bool, typer.Option("--force", help="Take over fields that others manage.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait until all is ready.", min=1)]
Release = Annotated[str, typer.Option(help="Name of the cluster.")]


@deploy.command(epilog="Example: forewarn deploy pachyderm --address grpc://pachd.example:30650 --dry-run")
def pachyderm(
    address: Annotated[str, typer.Option(help="The cluster's pachd: HOST:PORT, grpc:// or grpcs://.")],
    dry_run: DryRun = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Create or update repos, configuration and pipelines on a Pachyderm cluster; a diff comes first."""
    run("deploy", "pachyderm", project=project, address=address, dry_run=dry_run, json=json)


@deploy.command(epilog="Example: forewarn deploy kubernetes --set objects.url=s3://bucket/prefix --dry-run")
def kubernetes(
    release: Annotated[str, typer.Option(help="Name of the release.")] = "forewarn",
    namespace: Namespace = None,
    context: Context = None,
    chart: Chart = None,
    values: Annotated[Path | None, typer.Option(help="File of values for the chart.")] = None,
    sets: Sets = None,
    force: Force = False,
    dry_run: DryRun = False,
    timeout: Timeout = 600.0,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Run the engine, its workers and the dashboard on Kubernetes, from the Helm chart."""
    run(
        "deploy",
        "kubernetes",
        project=project,
        release=release,
        namespace=namespace,
        context=context,
        chart=chart,
        values=values,
        sets=sets or [],
        force=force,
        dry_run=dry_run,
        timeout=timeout,
        json=json,
    )


@cluster.command(epilog="Example: forewarn cluster up --workers 8 --objects s3://bucket/prefix")
def up(
    objects: Annotated[str, typer.Option(help="Where contents lie: s3://bucket/prefix.")],
    workers: Annotated[int, typer.Option("--workers", "-w", min=0)] = 2,
    image: Annotated[str, typer.Option(help="Image with forewarn in it.")] = "forewarn:latest",
    release: Release = "forewarn-dask",
    namespace: Namespace = None,
    context: Context = None,
    chart: Chart = None,
    sets: Sets = None,
    force: Force = False,
    timeout: Timeout = 600.0,
    json: Json = False,
) -> None:
    """Start a Dask scheduler and workers and wait until they are ready."""
    run(
        "cluster",
        "up",
        release=release,
        namespace=namespace,
        context=context,
        workers=workers,
        image=image,
        objects=objects,
        chart=chart,
        sets=sets or [],
        force=force,
        timeout=timeout,
        json=json,
    )


@cluster.command(epilog="Example: forewarn cluster scale 20")
def scale(
    workers: Annotated[int, typer.Argument(help="How many workers there shall be.", min=0)],
    release: Release = "forewarn-dask",
    namespace: Namespace = None,
    context: Context = None,
    timeout: Timeout = 600.0,
    json: Json = False,
) -> None:
    """Change the number of workers; datums of workers that go are run by others."""
    run(
        "cluster",
        "scale",
        release=release,
        namespace=namespace,
        context=context,
        workers=workers,
        timeout=timeout,
        json=json,
    )


@cluster.command(epilog="Example: forewarn cluster status --json")
def status(
    release: Release = "forewarn-dask",
    namespace: Namespace = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Show scheduler and workers, and what those that are not ready wait for."""
    run("cluster", "status", release=release, namespace=namespace, context=context, json=json)


@cluster.command(epilog="Example: forewarn cluster down")
def down(
    release: Release = "forewarn-dask",
    namespace: Namespace = None,
    context: Context = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until all is gone.", min=1)] = 120.0,
    json: Json = False,
) -> None:
    """Delete scheduler and workers; contents in the object store stay."""
    run("cluster", "down", release=release, namespace=namespace, context=context, timeout=timeout, json=json)


@app.command(
    epilog="Examples: forewarn estimate --robots 500 --hours 720 --cores 80 --price 10, "
    "forewarn estimate --measured"
)
def estimate(
    robots: Annotated[int | None, typer.Option(min=1)] = None,
    hours: Annotated[float | None, typer.Option(help="Hours of each robot.")] = None,
    cores: Annotated[int, typer.Option(min=1)] = 2,
    price: Annotated[float, typer.Option(help="Dollars an hour for all cores.")] = 0.0,
    gib_per_core: Annotated[
        float | None, typer.Option(help="Memory of a worker; by default what its hungriest datum held.")
    ] = None,
    robot_day_hours: Annotated[float, typer.Option(help="Hours of logs in a robot-day.")] = 24.0,
    measured: Annotated[
        bool, typer.Option("--measured", help="Instead: the newest run beside what was predicted for it.")
    ] = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Predict time, memory, storage and dollars of a fleet from what this project's datums took."""
    if measured:
        run("estimate", "measured_run", project=project, json=json)
        return
    run(
        "estimate",
        "estimate",
        project=project,
        robots=robots,
        hours=hours,
        cores=cores,
        price=price,
        gib_per_core=gib_per_core,
        robot_day_hours=robot_day_hours,
        json=json,
    )
