"""Debian's Chromium as a user sits before it: pages, pictures of them, and what axe-core finds wrong."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AXE = Path(__file__).parent / "assets" / "axe.min.js"
SERIOUS = ("serious", "critical")
PHONE = 390


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; skips where there is none."""
    found = os.environ.get("FOREWARN_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no chromium here: apt-get install chromium, or set FOREWARN_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def picture(page: Any, name: str) -> None:
    """Keep what the page looks like, as an artifact: `build/screenshots`, or `$FOREWARN_SCREENSHOTS`."""
    folder = Path(os.environ.get("FOREWARN_SCREENSHOTS", ROOT / "build" / "screenshots"))
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def mistakes(page: Any) -> list[str]:
    """What axe-core finds serious or critical, of contrast also in the dark, and what a phone cuts off."""
    page.evaluate(AXE.read_text("utf-8"))
    found = []
    for scheme, rules in (("light", None), ("dark", ["color-contrast", "link-in-text-block"])):
        page.emulate_media(color_scheme=scheme)
        options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
        result = page.evaluate("(options) => axe.run(document, options)", options)
        for each in result["violations"]:
            if each["impact"] in SERIOUS:
                places = [node["html"][:160] for node in each["nodes"][:3]]
                found.append(f"{page.url} {scheme}: {each['id']} ({each['help']}) {places}")
    page.emulate_media(color_scheme="light")
    return found + cut_off(page)


def cut_off(page: Any) -> list[str]:
    """Whether the page is wider than a phone's screen: only what scrolls by itself may be."""
    usual = page.viewport_size
    page.set_viewport_size({"width": PHONE, "height": 844})
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    page.set_viewport_size(usual)
    return [f"{page.url}: {wide} px on a screen of {PHONE}"] if wide > PHONE else []
