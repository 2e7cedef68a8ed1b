"""Takes the pictures of README and docs: report and dashboard of the demo's fleet, in Debian's Chromium.

`make pictures` runs it: `python -m docs.pictures FOLDER` with the folder of a `forewarn demo`. It opens the
newest report of the folder, serves the dashboard on a free port, and writes `docs/images/`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

IMAGES: Final = Path(__file__).parent / "images"
WIDTH: Final = 1_180


def main(project: Path) -> None:
    found = os.environ.get("FOREWARN_CHROMIUM") or shutil.which("chromium")
    if not found:
        sys.exit("no chromium here: apt-get install chromium, or set FOREWARN_CHROMIUM")
    report = max(project.glob("reports/*/report.html"), key=lambda path: path.stat().st_mtime)
    with served(project) as base, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        with urlopen(f"{base}/api/summary") as answer:  # noqa: S310 (our own server)
            summary = json.load(answer)["summary"]
        warned = next(row for row in summary["failures"]["rows"] if row["warned"])
        pages = {
            "report": (report.resolve().as_uri(), 1_250),
            "dashboard": (base, 1_000),
            "failure": (f"{base}/failures/{warned['robot_id']}?at={warned['at']}", 1_250),
            "fleet": (f"{base}/fleet", 1_150),
        }
        for name, (address, height) in pages.items():
            page = browser.new_page(viewport={"width": WIDTH, "height": height})
            take(page, address, IMAGES / f"{name}.png")
        browser.close()


def take(page: Any, address: str, path: Path) -> None:
    page.goto(address)
    if page.query_selector("#timeline"):
        page.wait_for_selector("#timeline[data-drawn]")
    page.screenshot(path=path)


@contextmanager
def served(project: Path) -> Iterator[str]:
    """`forewarn up` in a project; the dashboard's address."""
    verb = [sys.executable, "-m", "pipelines", "up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    process = subprocess.Popen(verb, cwd=project, stderr=subprocess.PIPE, text=True)  # noqa: S603 (our own)
    try:
        for line in process.stderr or ():
            if line.startswith("next:"):
                break
        yield json.loads((project / ".forewarn" / "daemon.json").read_text("utf-8"))["dashboard"]
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
