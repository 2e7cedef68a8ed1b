"""Who answers: the version of the protocol and the identity of this engine."""

import re
from typing import TYPE_CHECKING, Any

import pachyderm_sdk
from pachyderm_sdk.api import admin, version

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine


class VersionService:
    """versionpb_v2."""

    def get_version(self, _request: Any, _context: Any) -> version.Version:
        """The Pachyderm release whose protocol this is."""
        major, minor, micro = map(int, re.findall(r"\d+", pachyderm_sdk.__version__)[:3])
        return version.Version(
            major=major, minor=minor, micro=micro, additional="-forewarn", platform="embedded"
        )


class AdminService:
    """admin_v2."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def inspect_cluster(self, _request: Any, _context: Any) -> admin.ClusterInfo:
        """An id that stays with the folder."""
        id_ = self._engine.metadata.identity
        return admin.ClusterInfo(id=id_, deployment_id=id_, warnings_ok=True)
