"""Files on their way into the repo `logs`: streamed to disk in pieces, then committed at once."""

import re
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from features.errors import NotFoundError, UsageError
from reports.dashboard.guard import need
from reports.dashboard.source import Source

_ID: Final = re.compile(r"[0-9a-f]{32}")
_REFUSED: Final = re.compile(r"[^ -~]|[*?\[\]{}!()@+^\\]")


def router(source: Source, scratch: Path) -> APIRouter:
    """Routes below `/api`: begin an upload, put its files, commit them as one."""
    routes = APIRouter(dependencies=[Depends(need("operator"))])

    @routes.post("/uploads", summary="Begin an upload")
    def begin() -> dict[str, str]:
        name = secrets.token_hex(16)
        (scratch / name).mkdir(parents=True)
        return {"upload": name}

    @routes.put("/uploads/{upload}", summary="Put one file, its bytes as the body; memory stays bounded")
    async def put(
        upload: str, path: Annotated[str, Query(max_length=500)], request: Request
    ) -> dict[str, int]:
        target = _folder(scratch, upload) / _relative(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with target.open("wb") as file:
            async for chunk in request.stream():
                size += file.write(chunk)
        return {"bytes": size}

    @routes.post("/uploads/{upload}/commit", summary="Commit an upload's files at once")
    def commit(upload: str) -> dict[str, str]:
        folder = _folder(scratch, upload)
        files = {
            f"/{file.relative_to(folder).as_posix()}": file
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        try:
            return {"commit": source.push(files)}
        finally:
            shutil.rmtree(folder)

    return routes


def _folder(scratch: Path, upload: str) -> Path:
    folder = scratch / upload
    if not _ID.fullmatch(upload) or not folder.is_dir():
        raise NotFoundError("no such upload", hint="begin one with POST /api/uploads")
    return folder


def _relative(path: str) -> PurePosixPath:
    """The path in the repo, relative. Raises UsageError for one the engine refuses."""
    relative = PurePosixPath(path.strip("/"))
    if not relative.parts or ".." in relative.parts or relative.is_absolute() or _REFUSED.search(path):
        raise UsageError("a file cannot have this path", got=path, expected="such as 2026-03-01/amr-001.zip")
    return relative
