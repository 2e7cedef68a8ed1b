"""Fixtures shared by every test, and a guard against another distribution claiming our package names."""

import importlib.metadata
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

REPO = Path(__file__).resolve().parent.parent
PACKAGES = ("features", "models", "pipelines", "reports")

Tally = Callable[[str, int], None]

settings.register_profile("forewarn", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("forewarn")


def pytest_configure() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()


def pytest_sessionstart() -> None:
    owners = importlib.metadata.packages_distributions()
    claimed = {name: set(owners.get(name, ())) - {"forewarn"} for name in PACKAGES}
    clashes = {name: others for name, others in claimed.items() if others}
    if clashes:
        pytest.exit(f"other distributions claim forewarn's packages: {clashes}; uninstall them", returncode=3)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings made by others; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("FOREWARN_SHARED_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not present at {folder}; set FOREWARN_SHARED_DATA")
    return folder


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Say how many cases of a kind a test tried, for the table that `make torture` ends with."""

    def tell(kind: str, tried: int) -> None:
        assert tried
        record_property(f"tried {kind}", tried)

    return tell
