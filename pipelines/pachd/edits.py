"""What a commit does to the tree it begins from: deletions and writes in order, folded into one edit.

Kept as a tree of names, so that deleting a directory also deletes what was written into it before, in time
proportional to the path.
"""

from dataclasses import dataclass, field

from features.errors import DataError
from pipelines.pachd.paths import parts


@dataclass(slots=True)
class Edit:
    """One path's part. replaced: what was there before is gone. content: hashes appended in order."""

    replaced: bool = False
    content: list[str] = field(default_factory=list)
    children: dict[str, "Edit"] = field(default_factory=dict)

    def delete(self, path: str) -> None:
        """Remove the file or directory at a canonical path; "/" removes everything."""
        here = self._at(path)
        here.replaced = True
        here.content.clear()
        here.children.clear()

    def append(self, path: str, content: str) -> None:
        """Append a content, by hash, to the file at a canonical path, creating it; DataError for `/`."""
        if path == "/":
            raise DataError("a file needs a name", got="'/'", expected="a path such as /robot/day.zip")
        self._at(path).content.append(content)

    def put(self, path: str, content: str) -> None:
        """Replace the file at a canonical path."""
        self.delete(path)
        self.append(path, content)

    @property
    def writes(self) -> bool:
        """Whether it writes anything, here or below; deletions alone do not."""
        return bool(self.content) or any(child.writes for child in self.children.values())

    def _at(self, path: str) -> "Edit":
        here = self
        for name in parts(path):
            below = here.children.get(name)
            if below is None:
                below = here.children[name] = Edit()
            here = below
        return here
