"""Errors a caller can act on: each says what, got, expected and what to do next."""


class ForewarnError(Exception):
    """Base of every error forewarn raises on purpose."""

    def __init__(self, what: str, *, got: object = None, expected: object = None, hint: str = "") -> None:
        parts = [what]
        if got is not None:
            parts.append(f"got: {got}")
        if expected is not None:
            parts.append(f"expected: {expected}")
        if hint:
            parts.append(f"hint: {hint}")
        super().__init__("; ".join(parts))
        self.what = what
        self.got = got
        self.expected = expected
        self.hint = hint


class UsageError(ForewarnError):
    """The command or call cannot be understood (exit code 2)."""


class DataError(ForewarnError):
    """Data or configuration breaks its contract (exit code 3)."""


class NotFoundError(ForewarnError):
    """What was named does not exist (exit code 4)."""


class ConflictError(ForewarnError):
    """What was asked clashes with what exists (exit code 4)."""
