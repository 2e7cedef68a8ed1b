"""Without the library of a format, a user is told what to install."""

import pytest

from features.errors import UsageError
from pipelines.logs.recordings.extras import extra


def test_what_to_install() -> None:
    with pytest.raises(UsageError, match=r"forewarn\[px4\]"), extra("px4"):
        raise ModuleNotFoundError(name="pyulog")
