"""What can go wrong in the engine, beyond the errors every part of forewarn shares.

The server turns each class into the gRPC code Pachyderm answers with; nothing else needs to know of gRPC.
"""

from features.errors import ConflictError, DataError, ForewarnError


class IntegrityError(DataError):
    """Stored bytes are not what they were when they were written."""


class StorageError(ForewarnError):
    """The disk or object store refused: it is full, broken or gone. What was acknowledged before is kept."""


class PreconditionError(ConflictError):
    """The thing exists but its state does not allow the call, such as writing to a finished commit."""


class UnsupportedError(ForewarnError):
    """The embedded engine does not do this; a Pachyderm cluster does."""
