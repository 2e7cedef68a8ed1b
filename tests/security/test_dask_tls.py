"""Dask's own TLS, set by its configuration, carries datums; who has no certificate is not let in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import UsageError
from pipelines.cluster import DaskExecutor
from tests.tls import write_certificate


@pytest.mark.long
def test_datums_go_over_tls_and_nobody_without_a_certificate_enters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask
    import distributed

    pem, key = write_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(pem.read_bytes() + key.read_bytes())
    place = "distributed.comm.tls"
    parts = {f"{place}.{part}.cert": str(both) for part in ("scheduler", "worker", "client")}
    with dask.config.set(
        {"distributed.comm.require-encryption": True, f"{place}.ca-file": str(pem), **parts}
    ):
        security = distributed.Security()
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, security=security, dashboard_address=None,
            protocol="tls://", host="127.0.0.1",
        ) as cluster:  # fmt: skip
            address = cluster.scheduler_address
            assert address.startswith("tls://")
            with DaskExecutor(address=address) as executor:
                assert executor.start().submit(sum, (1, 2)).result(timeout=20) == 3
            monkeypatch.setattr("pipelines.cluster.CONNECT_S", 2)
            no_certificate: Callable[[], object] = DaskExecutor(
                address=address.replace("tls://", "tcp://")
            ).start
            with dask.config.set({"distributed.comm.require-encryption": False}), pytest.raises(UsageError):
                no_certificate()
