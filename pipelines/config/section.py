"""What every table of `forewarn.toml` has in common: unknown keys are errors, names must be declared."""

import difflib
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

NAME: Final = r"^[A-Za-z][A-Za-z0-9_]*$"

FieldName = Annotated[str, Field(pattern=NAME)]
Predicate = dict[str, Any]


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are never changed after."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def known(key: str, name: str, names: dict[str, Any]) -> None:
    """Raise ValueError, with a suggestion, where `name` is not one of the declared `names`."""
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = (
            f"; did you mean {close[0]!r}?" if close else f"; declared: {', '.join(sorted(names)) or 'none'}"
        )
        raise ValueError(f"{key} names {name!r}, which is not declared{hint}")
