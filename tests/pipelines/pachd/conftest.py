from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import Objects
from pipelines.pachd.trees import Trees


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[Metadata]:
    metadata = Metadata(tmp_path / "engine")
    yield metadata
    metadata.close()


@pytest.fixture
def trees(metadata: Metadata, tmp_path: Path) -> Trees:
    return Trees(metadata, Objects(tmp_path / "objects"))
