"""Every link and picture of every page leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in page.relative_to(ROOT).parts)
)
SOURCE = "https://github.com/forewarn/forewarn/blob/main/"  # for what docs/, which is the site, does not hold
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(page):
    """The fragments a page's headings answer to."""
    titles = HEADING.findall(FENCED.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = FENCED.sub("", page.read_text("utf-8"))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target) and not target.startswith(SOURCE):
            continue
        path, _, fragment = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if path.startswith(SOURCE):
            found = ROOT / path.removeprefix(SOURCE)
        elif ROOT / "docs" in page.parents:
            assert found.is_relative_to(ROOT / "docs"), f"{target} is no page of the site: link to {SOURCE}"
        assert found.exists(), f"{target} is not there"
        if fragment and found.suffix == ".md":
            assert fragment in anchors(found), f"{target}: no such heading"
