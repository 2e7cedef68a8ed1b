"""A datum's folder on disk: inputs laid out as the command expects them, outputs read back as files."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from features.errors import DataError
from pipelines.pachd.objects import FileRef, Objects, ObjectWriter
from pipelines.pachd.paths import canonical
from pipelines.pachd.sandbox import PFS

OUT: Final = "out"


@dataclass(frozen=True, slots=True)
class MountedFile:
    """An input file. path: relative to /pfs ("logs/2026-03-01/amr-1.zip"); empty: show it without content."""

    path: str
    ref: FileRef
    empty: bool = False


class DatumFolder:
    """A new folder in `scratch` ("" for the system's) that will hold a datum's `pfs`; `remove` it."""

    def __init__(self, scratch: str = "") -> None:
        if scratch:
            Path(scratch).mkdir(parents=True, exist_ok=True)
        self._path = Path(tempfile.mkdtemp(prefix="datum-", dir=scratch or None))
        self.pfs = self._path / "pfs"

    def remove(self) -> None:
        """Remove it, even when a command took away permissions."""
        try:
            shutil.rmtree(self._path)
        except OSError:
            _unlock(self._path)
            shutil.rmtree(self._path, ignore_errors=True)


class SpareFolder:
    """Keeps the folder of one datum for the next; a context manager."""

    def __init__(self) -> None:
        self._spare: DatumFolder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spare is not None:
            self._spare.remove()

    def take(self, scratch: str) -> DatumFolder:
        """The spare folder, or a new one."""
        spare, self._spare = self._spare, None
        return spare or DatumFolder(scratch)

    def give_back(self, folder: DatumFolder, *, clean: bool) -> None:
        """Keep `folder` when only code of ours used it and nothing went wrong, remove it otherwise."""
        if clean and self._spare is None:
            self._spare = folder
        else:
            folder.remove()


def _unlock(folder: Path) -> None:
    folder.chmod(0o700)
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            _unlock(child)


def lay_out(inputs: tuple[MountedFile, ...], objects: Objects, pfs: Path) -> int:
    """Write the inputs and an empty `out` under `pfs`, in place of what was there; returns the bytes written.

    Folders at the top that are needed again stay: making and removing them costs more than a small datum.
    Raises DataError for a path that leaves its folder.
    """
    tops = {OUT, *(file.path.lstrip("/").partition("/")[0] for file in inputs)}
    pfs.mkdir(exist_ok=True)
    for entry in os.scandir(pfs):
        if entry.name in tops and entry.is_dir(follow_symlinks=False):
            for old in os.scandir(entry):
                _delete(old)
        else:
            _delete(entry)
    for top in tops:
        (pfs / top).mkdir(exist_ok=True)
    made = {f"{pfs}/{top}" for top in tops}
    written = 0
    for file in inputs:
        if ".." in file.path.split("/"):
            raise DataError("an input's path leaves its folder", got=file.path)
        target = f"{pfs}/{file.path.lstrip('/')}"
        folder = target.rpartition("/")[0]
        if folder not in made:
            Path(folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        if file.empty:
            Path(target).touch()
        else:
            objects.copy_to(file.ref, target)
            written += file.ref.size
    return written


def _delete(entry: "os.DirEntry[str]") -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry)
    else:
        os.unlink(entry)  # noqa: PTH108


def collect(pfs: Path, inputs: tuple[MountedFile, ...], writer: ObjectWriter) -> dict[str, FileRef]:
    """Store every file under `pfs/out`; returns {path in the output repo ("/a/b"): content}, sorted.

    Symbolic links are followed within /pfs; one that leads to an input file stands for that file as it was
    read, so a datum can rearrange inputs without touching their bytes. Empty folders leave nothing.
    Raises DataError for links that leave /pfs or form a loop, for anything that is neither file nor folder,
    and for names Pachyderm refuses.
    """
    root = os.path.realpath(pfs)
    known = {f"{root}/{file.path.lstrip('/')}": file.ref for file in inputs}
    files: dict[str, FileRef] = {}
    for path, real, linked in _walk(f"{root}/{OUT}", "", root, frozenset()):
        ref = known.get(real) if linked else None
        if ref is None:
            with Path(real).open("rb") as content:
                ref = writer.add(content)
        files[canonical(path)] = ref
    return files


def _walk(folder: str, path: str, root: str, above: frozenset[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield (output path, real path, whether a link led there) of every file below `folder`."""
    if folder in above:
        raise DataError("a symbolic link in the output leads back to a folder above it", got=path)
    linked = not (folder + "/").startswith(f"{root}/{OUT}/")
    for name in sorted(os.listdir(folder)):  # noqa: PTH208
        here = f"{path}/{name}"
        real = _follow(f"{folder}/{name}", here, root)
        mode = os.stat(real).st_mode  # noqa: PTH116
        if stat.S_ISDIR(mode):
            yield from _walk(real, here, root, above | {folder})
        elif stat.S_ISREG(mode):
            yield here, real, linked or real != f"{folder}/{name}"
        else:
            raise DataError("an output is neither a file nor a folder", got=here, expected="a regular file")


def _follow(place: str, path: str, root: str) -> str:
    if not os.path.islink(place):  # noqa: PTH114
        return place
    target = os.readlink(place)  # noqa: PTH115
    if target.startswith(f"{PFS}/"):  # as the command saw it in its private mount
        target = root + target.removeprefix(PFS)
    real = os.path.realpath(os.path.join(os.path.dirname(place), target))  # noqa: PTH118, PTH120
    if not real.startswith(f"{root}/"):
        raise DataError("a symbolic link in the output leads out of /pfs", got=f"{path} -> {target}")
    if not os.path.exists(real):  # noqa: PTH110
        raise DataError("a symbolic link in the output leads nowhere", got=f"{path} -> {target}")
    return real
