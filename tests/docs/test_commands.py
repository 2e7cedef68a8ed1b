"""Every `sh` block of README and docs runs as it stands, unless a comment above it says why not.

A page starts in a project with pushed logs, or, where it says `<!-- starts with: logs -->`, in a folder that
holds nothing but `logs/`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import tiny

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n+)?^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if page.parent.name not in ("reference", "adr")]


def blocks(page):
    """The blocks of a page that are run."""
    return [text for excuse, text in BLOCK.findall(page.read_text("utf-8")) if not excuse]


def shell(script, folder):
    """Run a script as a person would, stopping at the first command that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {name: value for name, value in os.environ.items() if name != "PACHD_ADDRESS"}
    return subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env=variables | {"PATH": path, "BROWSER": "true", "NO_COLOR": "1", "EDITOR": "true"},
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.fixture(scope="session")
def pushed(tmp_path_factory):
    """A small project whose logs went through every pipeline."""
    folder = tiny.write(tmp_path_factory.mktemp("docs") / "project")
    done = shell("forewarn push logs/", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_commands_of_the_page_run(page, pushed, tmp_path):
    folder = tmp_path / "here"
    if "<!-- starts with: logs -->" in page.read_text("utf-8"):
        shutil.copytree(pushed / "logs", folder / "logs")
    else:
        shutil.copytree(pushed, folder)
    for script in blocks(page):
        done = shell(script, folder)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
