"""Gives a command the /pfs it would see on a cluster, without touching the machine's own file system.

Run as a script it is the launcher: it enters a private mount namespace (in a user namespace of its own when
not root), binds the datum's folder to /pfs there and becomes the command. Where the machine has no /pfs to
bind to, the launcher first moves into a copy of the root made of bind mounts, which has one. It imports the
standard library only and nothing of ours, because every datum of a foreign command waits for it.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

PFS: Final = "/pfs"
_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _PRIVATE = 0x1000, 0x4000, 0x40000
_PDEATHSIG = 1
_NOT_FOUND, _NOT_STARTED = 127, 126


@lru_cache(maxsize=1)
def private_mounts() -> bool:
    """Whether this machine lets us make a private /pfs; tried once per process."""
    if not sys.platform.startswith("linux"):
        return False
    with tempfile.TemporaryDirectory(prefix="forewarn-probe-") as folder:
        pfs = Path(folder) / "pfs"
        pfs.mkdir()
        (pfs / "here").touch()
        command = launcher(pfs, PFS, ["/bin/sh", "-c", f"test -e {PFS}/here"])
        tried = subprocess.run(command, capture_output=True, check=False, timeout=30)  # noqa: S603
    return tried.returncode == 0


def launcher(pfs: Path, folder: str, command: list[str]) -> list[str]:
    """The command line that runs `command` in `folder` with `pfs` at /pfs."""
    return [sys.executable, "-I", "-S", __file__, str(pfs), folder, *command]


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _enter(pfs: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source: str, target: str, kind: str, flags: int) -> None:
        result = libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None)
        _check(result, f"mount {target}")

    uid, gid = os.getuid(), os.getgid()
    if uid != 0 or libc.unshare(_NEWNS):
        _check(libc.unshare(_NEWUSER | _NEWNS), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    mount("none", "/", "none", _REC | _PRIVATE)
    if Path(PFS).is_dir():
        mount(pfs, PFS, "none", _BIND | _REC)
        return
    root = tempfile.mkdtemp(prefix="root-", dir=Path(pfs).parent)
    mount("tmpfs", root, "tmpfs", 0)
    for entry in os.scandir("/"):
        place = f"{root}/{entry.name}"
        if entry.is_symlink():
            Path(place).symlink_to(Path(entry.path).readlink())
            continue
        if entry.is_dir():
            Path(place).mkdir()
        else:
            Path(place).touch()
        mount(entry.path, place, "none", _BIND | _REC)
    Path(root + PFS).mkdir()
    mount(pfs, root + PFS, "none", _BIND | _REC)
    os.chroot(root)


def main(arguments: list[str]) -> None:
    """Launch: the datum's folder, the working directory, then the command."""
    pfs, folder, *command = arguments
    try:
        _enter(pfs)
        os.chdir(folder)
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)  # a worker that is killed takes us along
    except OSError as error:
        sys.stderr.write(f"cannot prepare a private {PFS}: {error}\n")
        os._exit(_NOT_STARTED)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        os._exit(_NOT_FOUND)


if __name__ == "__main__":
    main(sys.argv[1:])
