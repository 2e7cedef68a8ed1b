"""Who may do what: bearer tokens with a role, kept only as hashes."""

import hashlib
import hmac
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from features.errors import ConflictError, DataError, NotFoundError, UsageError

Role = Literal["viewer", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


@dataclass(frozen=True)
class Token:
    """A token as it is stored: never the secret, only its SHA-256 (secrets are 256 random bits)."""

    name: str
    role: Role
    digest: str
    created: str


class Tokens:
    """The tokens of one project, in one file only its owner can read.

    engine: the engine's own token where the dashboard is served beyond loopback; whoever bears it is admin.
    """

    def __init__(self, path: Path, engine: str = "") -> None:
        self._path = path
        self._engine = Token("engine", "admin", _digest(engine), "") if engine else None

    @property
    def public(self) -> bool:
        """Whether other machines may ask, so that nobody is let in without a token."""
        return self._engine is not None

    def all(self) -> list[Token]:
        """Every token, in the order of creation. Raises DataError when the file is no list of tokens."""
        if not self._path.is_file():
            return []
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Token])
        except msgspec.DecodeError as error:
            raise DataError(
                f"{self._path} is damaged",
                got=error,
                expected="a list of tokens",
                hint="put it back from a backup; without it everybody on this machine may do everything",
            ) from error

    def create(self, name: str, role: str) -> str:
        """A new token's secret, told once. Raises UsageError (role) and ConflictError (name)."""
        if role not in ROLES:
            raise UsageError("unknown role", got=role, expected=", ".join(ROLES))
        tokens = self.all()
        if any(token.name == name for token in tokens):
            raise ConflictError(f"there is a token named {name}", hint=f"forewarn token revoke {name}")
        secret = f"fw_{secrets.token_urlsafe(32)}"
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._write([*tokens, Token(name, role, _digest(secret), created)])
        return secret

    def revoke(self, name: str) -> None:
        """Make a token useless at once. Raises NotFoundError."""
        tokens = self.all()
        kept = [token for token in tokens if token.name != name]
        if len(kept) == len(tokens):
            raise NotFoundError(f"there is no token named {name}", hint="forewarn token list")
        self._write(kept)

    def find(self, secret: str) -> Token | None:
        """The token a secret belongs to; every stored hash is compared in constant time."""
        digest, found = _digest(secret), None
        for token in (*self.all(), *filter(None, (self._engine,))):
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def _write(self, tokens: list[Token]) -> None:
        """Durable when it returns: a token that was revoked does not come back after a power cut."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        waiting = self._path.with_suffix(".tmp")
        waiting.unlink(missing_ok=True)  # left by a kill, with who knows which mode
        _write_synced(waiting, msgspec.json.encode([asdict(token) for token in tokens]))
        waiting.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def allows(role: Role, needed: Role) -> bool:
    """Whether a role includes another: an admin may all an operator may, who may all a viewer may."""
    return ROLES.index(role) >= ROLES.index(needed)


def _write_synced(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
