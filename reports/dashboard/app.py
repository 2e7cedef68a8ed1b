"""The application: pages for people, the same as JSON for programs, behind one guard."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import UndefinedError
from starlette.exceptions import HTTPException

from features.errors import ConflictError, ForewarnError, NotFoundError
from reports.dashboard import alerts, api, pages, token_api, uploads
from reports.dashboard.guard import guard
from reports.dashboard.source import Source
from reports.dashboard.tokens import Tokens

HERE = Path(__file__).parent


def create_app(source: Source, *, tokens: Tokens, scratch: Path) -> FastAPI:
    """Serve a project. Uploads wait in `scratch` until they are committed.

    The API is described at `/api/openapi.json`. Forewarn's errors become 404, 409 or 422 with their sentence.
    """
    app = FastAPI(title="forewarn", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.middleware("http")(guard(tokens))
    app.include_router(api.router(source), prefix="/api")
    app.include_router(uploads.router(source, scratch), prefix="/api")
    app.include_router(alerts.api(source), prefix="/api")
    app.include_router(token_api.router(tokens), prefix="/api")
    app.include_router(pages.router(source, tokens))
    app.include_router(alerts.pages(source))

    @app.get("/static/report.css", include_in_schema=False)
    def style() -> Response:
        return FileResponse(HERE.parent / "templates" / "report.css")

    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.exception_handler(ForewarnError)
    def _told(request: Request, error: Exception) -> Response:
        status = 404 if isinstance(error, NotFoundError) else 409 if isinstance(error, ConflictError) else 422
        return _answer(request, status, str(error))

    @app.exception_handler(UndefinedError)
    def _older(request: Request, _: Exception) -> Response:
        return _answer(
            request, 503, "the report was made by another version of forewarn and lacks what this page shows"
        )

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 (narrows the type)
        places = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return _answer(request, 422, "; ".join(places))  # what was sent may be no text: it is not repeated

    @app.exception_handler(HTTPException)
    def _refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 (narrows the type)
        return _answer(request, error.status_code, str(error.detail))

    return app


def _answer(request: Request, status: int, told: str) -> Response:
    if request.url.path.startswith(("/api/", "/static/")):
        return JSONResponse({"detail": told}, status)
    page = "signin.html" if status == 401 else "error.html"
    return HTMLResponse(pages.render(page, told=told, status=status, place="", name="forewarn"), status)
