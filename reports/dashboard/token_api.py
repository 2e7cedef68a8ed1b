"""Tokens over HTTP, for admins: who may do what, and the secret of a new one, told once."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from reports.dashboard.guard import need
from reports.dashboard.tokens import ROLES, Tokens


class Wanted(BaseModel):
    """A token to make."""

    name: str = Field(min_length=1, max_length=256, description="whose it is")
    role: str = Field("viewer", description=", ".join(ROLES))


class Known(BaseModel):
    """A token without its secret."""

    name: str
    role: str
    created: str


def router(tokens: Tokens) -> APIRouter:
    """Routes below `/api`."""
    routes = APIRouter(dependencies=[Depends(need("admin"))])

    @routes.get("/tokens", summary="Tokens, never their secrets (admin)")
    def known() -> list[Known]:
        return [Known(name=one.name, role=one.role, created=one.created) for one in tokens.all()]

    @routes.post("/tokens", summary="Make a token; its secret is told once (admin)")
    def create(wanted: Wanted) -> dict[str, str]:
        return {"name": wanted.name, "role": wanted.role, "token": tokens.create(wanted.name, wanted.role)}

    @routes.delete("/tokens/{name}", summary="Make a token useless at once (admin)")
    def revoke(name: str) -> dict[str, str]:
        tokens.revoke(name)
        return {"revoked": name}

    return routes
