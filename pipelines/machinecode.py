"""Machine code compiled into an image, found by a user who may write nothing but the temporary folder.

Numba uses a folder of compiled code only when it can write there, which a non-root user on a read-only root
cannot. So the image keeps the code in `$FOREWARN_MACHINE_CODE` and the first process of a container copies it
below the temporary folder. Numba is told by `NUMBA_CACHE_LOCATOR_CLASSES=pipelines.machinecode.Seeded`.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from numba.core.caching import UserProvidedCacheLocator

SEED_VARIABLE: Final = "FOREWARN_MACHINE_CODE"


class Seeded(UserProvidedCacheLocator):  # type: ignore[misc]  # numba has no types
    """A cache below the temporary folder that starts as a copy of the image's."""

    def __init__(self, function: Callable[..., object], source: str) -> None:
        self._py_file = source
        self._lineno = function.__code__.co_firstlineno
        below = self.get_suitable_cache_subpath(source)
        self._cache_path = str(Path(tempfile.gettempdir(), f"forewarn-code-{os.getuid()}", below))
        _seed(Path(os.environ.get(SEED_VARIABLE, ""), below), Path(self._cache_path))

    @classmethod
    def from_function(cls, py_func: Callable[..., object], py_file: str) -> Any:
        """The locator, None where even the temporary folder cannot be written (numba's interface)."""
        return super(UserProvidedCacheLocator, cls).from_function(py_func, py_file)


def _seed(image: Path, target: Path) -> None:
    if target.exists() or not image.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = Path(tempfile.mkdtemp(dir=target.parent))
    shutil.copytree(image, waiting / "code")
    with suppress(OSError):  # another process was faster
        (waiting / "code").rename(target)
    shutil.rmtree(waiting)
