"""Writes `docs/reference/` from the code, so that the reference cannot drift from what runs.

`make docs` runs `python -m docs.generate` before the site is built; a test compares its pages with the ones
committed.
"""

from pathlib import Path
from typing import Final

from docs.generate.api import api_page
from docs.generate.cli import cli_page
from docs.generate.config import config_page
from docs.generate.http import http_page
from docs.generate.metrics import metrics_page

PAGES: Final = Path(__file__).parents[1] / "reference"


def pages() -> dict[str, str]:
    """File name → Markdown of every generated page."""
    return {
        "cli.md": cli_page(),
        "config.md": config_page(),
        "api.md": api_page(),
        "http.md": http_page(),
        "metrics.md": metrics_page(),
    }
