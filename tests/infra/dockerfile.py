"""Reads a Dockerfile as stages of instructions, continuation lines joined."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One `FROM … AS name` and what follows it: (instruction, arguments)."""

    base: str
    name: str
    steps: tuple[tuple[str, str], ...]

    def all(self, instruction: str) -> list[str]:
        return [arguments for kind, arguments in self.steps if kind == instruction]

    def variables(self) -> dict[str, str]:
        pairs = (re.findall(r'(\w+)=("[^"]*"|\S+)', line) for line in self.all("ENV"))
        return {name: value.strip('"') for line in pairs for name, value in line}


def read(path: Path) -> list[Stage]:
    text = re.sub(r"\\\n\s*", "", path.read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    stages: list[tuple[str, list[tuple[str, str]]]] = []
    for line in lines:
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            stages.append((arguments, []))
        else:
            stages[-1][1].append((instruction, arguments))
    return [Stage(base.split(" AS ")[0], base.partition(" AS ")[2], tuple(steps)) for base, steps in stages]
