"""The committed reference is what the code says today."""

import pytest

from docs.generate import PAGES, pages


@pytest.mark.parametrize("name", ["api.md", "cli.md", "config.md", "http.md", "metrics.md"])
def test_reference_is_up_to_date(name):
    assert pages()[name] == (PAGES / name).read_text("utf-8"), "run: make docs, and commit docs/reference"
