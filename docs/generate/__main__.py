"""Writes the pages."""

from docs.generate import PAGES, pages

PAGES.mkdir(exist_ok=True)
for name, text in pages().items():
    (PAGES / name).write_text(text, "utf-8")
