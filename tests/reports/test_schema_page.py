"""The reference of summary.json names what is written there."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reports.inputs import ReportInputs
from reports.summary import summarize

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "report.md"


def test_every_key_of_the_summary_is_in_the_reference(fleet: Callable[..., ReportInputs]) -> None:
    told = set(re.findall(r"`([a-z0-9_]+)`", PAGE.read_text("utf-8")))
    told |= {
        name
        for title in re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
        for name in title.split(", ")
    }
    summary: dict[str, Any] = json.loads(json.dumps(summarize(fleet())[0]))
    named = set(summary) | {key for name in summary if name != "provenance" for key in keys(summary[name])}
    assert named - told == set()


def keys(part: Any) -> set[str]:
    """Names of an object, or of the first of a list of them."""
    first = part[0] if isinstance(part, list) and part else part
    return set(first) if isinstance(first, dict) else set()
