"""What tests ask of a page: its elements, numbers and times, and where summary.json has them."""

from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "br", "rect", "path", "circle", "link", "input"}


class Page(HTMLParser):
    """What the tests ask of a page: elements with attributes, numbers, times, and the texts between."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[tuple[str, str, str]] = []
        self.times: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag, "elements are nested"

    def handle_data(self, data: str) -> None:
        if not data.strip():
            return
        tags = [tag for tag, _ in self.open]
        attrs = self.open[-1][1]
        if tags[-1] == "data":
            self.data.append((attrs["data-of"] or "", attrs["value"] or "", data))
        elif tags[-1] == "time":
            self.times.append((attrs["datetime"] or "", data))
        elif not {"svg", "style", "title"} & set(tags):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def at(summary: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        summary = summary[int(name)] if isinstance(summary, list) else summary[name]
    return summary
