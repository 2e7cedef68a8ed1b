"""Every request passes here: which host was asked, who asks, whether another site made them ask.

Pages load nothing but what this server serves; a page of another site can neither read nor post.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse

from reports.dashboard.tokens import Role, Tokens, allows

COOKIE: Final = "forewarn_token"
HEADER: Final = "x-forewarn"
UPLOADS: Final = "/api/uploads/"
LONGEST: Final = 1 << 20
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE: Final = frozenset({"GET", "HEAD"})

Next = Callable[[Request], Awaitable[Response]]


def guard(tokens: Tokens) -> Callable[[Request, Next], Awaitable[Response]]:
    """The middleware: refuses foreign hosts and forged posts, finds the role, adds the headers.

    Without any token whoever reaches the loopback address is admin. With tokens, and always beyond loopback,
    one is needed, as `Authorization: Bearer` or as the cookie that signing in sets; a foreign host name gains
    nothing then, because no browser sends it the cookie.
    """

    async def middleware(request: Request, call_next: Next) -> Response:
        response = _refusal(request, tokens) or await _admitted(request, call_next, tokens)
        response.headers.update(HEADERS)
        if not request.url.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def need(role: Role) -> Callable[[Request], None]:
    """A dependency that admits only a role or what includes it."""

    def check(request: Request) -> None:
        have: Role | None = request.state.role
        if have is None:
            raise HTTPException(401, "a token is needed: sign in, or send Authorization: Bearer")
        if not allows(have, role):
            raise HTTPException(403, f"this needs the role {role}; the token's role is {have}")

    return check


async def _admitted(request: Request, call_next: Next, tokens: Tokens) -> Response:
    scheme = _scheme(request)
    bearer = request.headers.get("authorization", "").partition(" ")[2]
    secret = bearer.strip() if scheme == "bearer" else request.cookies.get(COOKIE)
    known = tokens.find(secret) if secret else None
    if known is not None:
        request.state.role, request.state.who = known.role, known.name
    elif scheme or tokens.public or tokens.all():
        request.state.role, request.state.who = None, ""
    else:
        request.state.role, request.state.who = "admin", "local"
    return await call_next(request)


def _refusal(request: Request, tokens: Tokens) -> Response | None:
    host = request.headers.get("host", "")
    if not tokens.public and (urlsplit(f"//{host}").hostname or "") not in LOOPBACK:
        return JSONResponse({"detail": "this host is not served here"}, 421)
    if request.method in _SAFE:
        return None
    refused = _too_long(request)
    if refused is not None or _scheme(request) == "bearer":  # no browser sends that on its own
        return refused
    origin = request.headers.get("origin")
    if HEADER not in request.headers or (origin is not None and urlsplit(origin).netloc != host):
        return JSONResponse({"detail": f"posts need the header {HEADER} and come from this site"}, 403)
    return None


def _scheme(request: Request) -> str:
    return request.headers.get("authorization", "").partition(" ")[0].lower()


def _too_long(request: Request) -> Response | None:
    """Only uploads are long; all else tells its length, and that it is short, before it is read."""
    if request.url.path.startswith(UPLOADS):
        return None
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or not length.isdigit():
        return JSONResponse({"detail": "the body's length must be told"}, 411)
    if int(length) > LONGEST:
        return JSONResponse({"detail": f"a body has at most {LONGEST} bytes here"}, 413)
    return None
