"""Dask's own adaptive scaling with datums: from no worker up, and down to none when nothing is left."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pipelines.cluster import LEAST_SENT, DaskExecutor
from pipelines.pachd.mounts import MountedFile
from pipelines.pachd.objects import Objects
from pipelines.pachd.spec import DatumSetSpec, Transform
from pipelines.pachd.worker import DatumTask

ONE_EACH = DatumSetSpec(number=1)


def tasks(folder: Path, number: int) -> list[DatumTask]:
    objects = Objects(folder / "objects")
    with objects.writer() as writer:
        content = writer.add(b"apple")
    return [
        DatumTask(
            pipeline="copy",
            job_id="job",
            datum_id=str(datum),
            inputs=(MountedFile("in/a", content),),
            transform=Transform(cmd=("cp", "/pfs/in/a", "/pfs/out/b")),
            env={},
            objects=objects,
        )
        for datum in range(number)
    ]


def test_workers_come_with_datums_and_go_after_them(tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, dashboard_address="127.0.0.1:0", threads_per_worker=1
        ) as cluster,
        DaskExecutor(address=cluster.scheduler_address) as executor,
    ):
        scaled = cluster.adapt(minimum=0, maximum=3, interval="50ms", wait_count=1, target_duration="100ms")
        assert executor.in_flight(2) == LEAST_SENT
        assert cluster.workers == {}
        found = list(executor.run(tasks(tmp_path, 40), total=40, parallelism=2, datum_set=ONE_EACH))
        assert sorted(int(one.datum_id) for one in found) == list(range(40))
        assert {one.state for one in found} == {"success"}
        most = max(told["n"] for _, told in scaled.log if told["status"] == "up")
        assert 1 <= most <= 3
        executor.start().sync(_until_alone, cluster)


async def _until_alone(cluster: Any) -> None:
    async with asyncio.timeout(60):
        while cluster.scheduler.workers:
            await asyncio.sleep(0.02)


def test_the_more_workers_the_more_is_sent_and_one_stays_one(tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, processes=False, dashboard_address="127.0.0.1:0", threads_per_worker=20
        ) as cluster,
        DaskExecutor(address=cluster.scheduler_address) as executor,
    ):
        assert executor.in_flight(2) == 40
        assert executor.in_flight(1) == 1
