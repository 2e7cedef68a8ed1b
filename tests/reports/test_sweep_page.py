"""The page of a sweep: every cell told, nothing fetched, names escaped."""

from html.parser import HTMLParser

from models.sweep import Cell
from reports.sweep_page import best, heat_map, sentence, sweep_page

KNOWN = Cell(42.0, 10.0, 30, 1000, 7, 0.02, 0.31, 0.91, 15.5, "")
WORSE = Cell(10.0, 10.0, 30, 1000, 7, 0.02, 0.11, 0.71, 5.5, "")
UNKNOWN = Cell(10.0, 30.0, 30, 0, 0, None, None, None, None, "too few failures to learn from")
CELLS = (WORSE, UNKNOWN, KNOWN)


class Words(HTMLParser):
    """The texts of a page, and every address it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.fetched: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_tells_the_best_and_every_cell() -> None:
    page = Words(sweep_page("Fleet <A>", CELLS))
    assert page.fetched == []
    assert "Fleet <A>" in page.texts
    assert "Best: look back 42 s, warn 10 s ahead: ROC-AUC 0.910 on 7 failure episodes." in page.texts
    assert {"0.910", "0.710", "42 s", "10 s", "30 s", "too few failures to learn from"} <= set(page.texts)
    assert best(CELLS) == KNOWN


def test_a_better_cell_is_darker_and_an_unknown_one_grey() -> None:
    drawn = str(heat_map(CELLS))
    assert drawn.count("<rect") == 3
    assert "#c9c9c4" in drawn
    assert "rgb(50,96,139)" in drawn


def test_where_nothing_can_be_told_it_says_why() -> None:
    assert sentence((UNKNOWN,)) == "Nothing can be told: too few failures to learn from."
    assert best((UNKNOWN,)) is None
