"""What the engine should hold after any history, the slow obvious way: dictionaries."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Outputs = dict[str, bytes] | str


def compute(function: str, given: dict[str, bytes]) -> Outputs:
    """One datum: its output files, or "failed", or "recovered"."""
    whole = b"".join(path.encode() + b"=" + data + b";" for path, data in sorted(given.items()))
    if b"bad" in whole:
        return "failed"
    if b"recover" in whole:
        return "recovered"
    if b"clash" in whole:
        return {"/clash": whole}
    name = "~".join(path.strip("/").replace("/", "-") for path in sorted(given))
    return {f"/{function}/{name}": function.encode() + whole, f"/size/{name}": str(len(whole)).encode()}


@dataclass
class Version:
    """What the model knows of a commit: its files, and for outputs of jobs the datums and the verdict."""

    files: dict[str, bytes] = field(default_factory=dict)
    error: bool = False
    datums: dict[str, tuple[Any, dict[str, bytes]]] = field(default_factory=dict)
    base: "Version | None" = None
    ran: bool = True


@dataclass
class Line:
    """A pipeline in the model. kind: how its datums are cut. salt: a number that reprocess raises."""

    name: str
    inputs: list[str]
    kind: str
    function: str
    salt: int = 0


class Model:
    """The slow obvious way."""

    def __init__(self) -> None:
        self.heads: dict[str, Version] = {"in": Version(), "config": Version()}
        self.lines: list[Line] = []
        self.side: dict[str, bytes] | None = None

    def push(self, repo: str, files: dict[str, bytes]) -> None:
        self.heads[repo] = Version(files)
        self.run_below({repo})

    def run_below(self, changed: set[str], *, own: str = "") -> None:
        for line in self.lines:
            if changed & set(line.inputs) or line.name == own:
                self.heads[line.name] = self.run(line)
                changed = changed | {line.name}

    def run(self, line: Line) -> Version:
        before = self.heads.get(line.name)
        if any(self.heads[name].error for name in line.inputs):
            return Version(before.files if before else {}, error=True, base=before, ran=False)
        good, ran = before, list[Version]()
        while good is not None and good.error:
            ran += [good] if good.ran else []
            good = good.base
        salvage = ran[0].datums if ran else {}
        base = good or Version()
        version = Version(base=before)
        recovered = total = 0
        written: dict[str, dict[str, bytes]] = {}
        for key, files in self.cut(line):
            hash_ = (tuple(sorted(files.items())), line.salt)
            total += 1
            if key in base.datums and base.datums[key][0] == hash_:
                version.datums[key] = base.datums[key]
            elif key in salvage and salvage[key][0] == hash_:
                written[key] = salvage[key][1]
                version.datums[key] = salvage[key]
            else:
                outputs = compute(line.function, files)
                version.error |= outputs == "failed"
                recovered += outputs == "recovered"
                if not isinstance(outputs, str):
                    written[key] = outputs
                    version.datums[key] = (hash_, outputs)
        version.error |= 0 < recovered == total
        clashing = self.clashes(version, written)
        version.error |= bool(clashing)
        for key in clashing:
            del version.datums[key]
        version.files = {p: d for _, outputs in version.datums.values() for p, d in outputs.items()}
        return version

    @staticmethod
    def clashes(version: Version, written: dict[str, dict[str, bytes]]) -> set[str]:
        kept = {p for key, (_, o) in version.datums.items() if key not in written for p in o}
        writers: dict[str, list[str]] = {}
        for key, outputs in written.items():
            for path in outputs:
                writers.setdefault(path, []).append(key)
        return {k for path, keys in writers.items() if len(keys) > 1 or path in kept for k in keys}

    def cut(self, line: Line) -> Iterator[tuple[str, dict[str, bytes]]]:
        trees = [
            {f"{name}{path}": data for path, data in self.heads[name].files.items()} for name in line.inputs
        ]
        if line.kind == "whole":
            if all(trees):
                yield "/", {p: d for tree in trees for p, d in tree.items()}
            return
        tops: dict[str, dict[str, bytes]] = {}
        for path, data in trees[0].items():
            tops.setdefault(path.split("/")[1], {})[path] = data
        yield from tops.items()
