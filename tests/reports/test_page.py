"""The page a browser gets: true to summary.json, safe, self-contained, readable by everyone."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features.schema import FAILURES, TIMESTAMP
from reports import words
from reports.provenance import INPUTS
from reports.risk_report import ReportInputs, build_report
from tests.reports.reading import Page, at

Fleet = Callable[..., ReportInputs]
Built = tuple[Page, dict[str, Any], str]
EVIL = "<script>alert(1)</script>\"'&{{7*7}}"
STATIC = {"24", "95", "10", "000", "100", "1", "0", "25"}
"""Figures that are words of the page's own: 24 h, 95 %, p10, p95, 1,000 hours, 1.5, PSI's 0.1 and 0.25 …"""


def build(inputs: ReportInputs, folder: Path) -> Built:
    build_report(inputs, folder)
    text = (folder / "report.html").read_text("utf-8")
    return Page(text), json.loads((folder / "summary.json").read_text("utf-8")), text


@pytest.fixture(scope="module")
def usual(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The report of the usual fleet: page, summary, text."""
    return build(fleet(), tmp_path_factory.mktemp("usual"))


def strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(strings, value.values()), value)
    if isinstance(value, list):
        return set().union(*map(strings, value))
    return {value} if isinstance(value, str) else set()


def test_every_number_on_the_page_is_the_one_in_the_summary(usual: Built) -> None:
    page, summary, _ = usual
    assert len(page.data) > 300
    for pointer, value, _ in page.data:
        assert json.loads(value) == at(summary, pointer), pointer
    said = strings(summary)
    for iso, text in page.times:
        assert iso in said
        assert iso.replace("T", " ").startswith(text)


def test_no_number_stands_outside_the_marked_ones(usual: Built) -> None:
    """Texts with digits are either texts of the summary or among the page's few fixed words."""
    page, summary, _ = usual
    verdict = summary["model"]["verdict"]
    shown = strings(summary) | {verdict["sentence"][len(verdict["word"]) :]}
    shown |= {words.feature(text) for text in shown if "__" in text}
    said = sorted((text for text in shown if re.search(r"\d", text)), key=len, reverse=True)
    for text in page.texts:
        rest = text
        for known in said:
            rest = rest.replace(known, "")
        assert set(re.findall(r"\d+", rest)) <= STATIC, text


def test_the_shown_form_agrees_with_the_value(usual: Built) -> None:
    page, _, _ = usual
    checked = 0
    for pointer, value, text in page.data:
        if found := re.fullmatch(r"([\d.]+) %", text):
            assert float(found[1]) == pytest.approx(float(value) * 100, abs=0.51), pointer
            checked += 1
        elif re.fullmatch(r"[\d\u2009]+", text):
            assert int(text.replace("\u2009", "")) == pytest.approx(float(value), abs=0.5), pointer
            checked += 1
    assert checked > 200


def hostile(fleet: Fleet) -> ReportInputs:
    """A fleet whose every name and text would run as a script, if it could."""
    inputs = fleet(3)
    renamed = {"amr-001": EVIL}
    swap = lambda column: pa.array([renamed.get(name, name) for name in column.to_pylist()], pa.string())  # noqa: E731
    risk = inputs.risk.set_column(0, "robot_id", swap(inputs.risk.column(0)))
    reasons = inputs.reasons.set_column(0, "robot_id", swap(inputs.reasons.column(0)))
    reasons = reasons.set_column(
        reasons.column_names.index("words"), "words", pa.array([EVIL] * reasons.num_rows, pa.string())
    )
    failures = pa.table(
        [[EVIL], pa.array([1_772_330_000_000_000_000], pa.int64()).cast(TIMESTAMP), [EVIL]], schema=FAILURES
    )
    quarantine = pa.table(
        {name: [EVIL] for name in ("source", "member", "stream", "robot_id", "reason", "detail")}
        | {"line": [1], "raw": [EVIL.encode()]}
    )
    facts = pa.table({"robot_id": [EVIL, "amr-002", "amr-003"], EVIL: [EVIL, "x", "x"]})
    settings = {**inputs.settings, "project": {"name": EVIL}}
    return fleet(
        3,
        settings=settings,
        risk=risk,
        reasons=reasons,
        failures=failures,
        quarantine=quarantine,
        facts=facts,
        excluded=pa.table({"reason": [EVIL], "count": [1]}),
        provenance={EVIL: EVIL},
        accounting=pa.table({"unit": [EVIL], "received": [1], "accepted": [1]}),
        join_quality=pa.table({"robot_id": [EVIL], "stream": [EVIL], "anchors": [2], "matched": [1]}),
        clocks=pa.table({"robot_id": [EVIL], "stream": [EVIL], "records": [1], "offset_s": [99.0]}),
    )


def test_names_and_log_texts_are_escaped(fleet: Fleet, tmp_path: Path) -> None:
    page, summary, text = build(hostile(fleet), tmp_path)
    assert "<script" not in text.lower()
    assert not page.all("script")
    assert "{{7*7}}" in text
    assert not [attrs for _, attrs in page.elements if any(name.startswith("on") for name in attrs)]
    assert {EVIL} <= {robot["robot_id"] for robot in summary["robots"]}


@pytest.mark.parametrize("robots", [2, 1_000])
def test_one_file_below_a_megabyte(fleet: Fleet, tmp_path: Path, robots: int) -> None:
    page, summary, text = build(fleet(robots, 1.0), tmp_path)
    assert len(text.encode()) < 1_000_000
    assert len(summary["robots"]) == robots
    assert (tmp_path / "risk.csv").read_text("utf-8").count("\n") == robots + 1
    assert ("all are in risk.csv" in text) == (robots == 1_000)
    assert page.all("html")


def test_nothing_is_loaded_from_anywhere(usual: Built) -> None:
    page, _, text = usual
    tags = {tag for tag, _ in page.elements}
    assert not tags & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "image",
        "use",
        "a:not",
    }
    assert all((attrs["href"] or "").startswith("#") for attrs in page.all("a"))
    text = re.sub(r"sha256-[\w+/=]*", "", text)  # base64 may hold two slashes
    assert not re.search(r"https?://|//\w|url\(|@import|src=|style=\"", text)


def test_the_policy_allows_exactly_the_inline_style(usual: Built) -> None:
    page, _, text = usual
    policy = (
        next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy") or ""
    )
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_tables_and_pictures_speak_to_screen_readers(usual: Built) -> None:
    page, _, text = usual
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert text.count("<caption>") == len(page.all("table"))
    assert all(attrs.get("scope") in ("col", "row", "rowgroup") for attrs in page.all("th"))
    assert all(("aria-label" in attrs) != (attrs.get("aria-hidden") == "true") for attrs in page.all("svg"))
    assert all(attrs.get("role") == "img" for attrs in page.all("svg") if "aria-label" in attrs)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {(attrs["href"] or "")[1:] for attrs in page.all("a")}
    assert targets <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(attrs.get("tabindex") == "0" for _, attrs in page.elements if attrs.get("role") == "region")


def test_states_differ_in_words_and_signs_not_only_in_colour(usual: Built) -> None:
    _, _, text = usual
    assert '<span aria-hidden="true">△</span> alert in 24 h' in text
    assert '<span aria-hidden="true">●</span> calm' in text


def palettes() -> list[dict[str, str]]:
    style = files("reports.templates").joinpath("report.css").read_text("utf-8")
    return [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", palettes(), ids=("light", "dark", "print"))
def test_texts_have_the_contrast_of_wcag_aa(palette: dict[str, str]) -> None:
    pairs = [
        (text, ground)
        for ground in ("paper", "card", "wash")
        for text in ("ink", "soft", "accent", "alert", "warn", "good")
    ]
    pairs += [(kind, f"{kind}-wash") for kind in ("alert", "warn", "good")]
    pairs += [("ink", f"{kind}-wash") for kind in ("alert", "warn", "good")]
    for text, ground in pairs:
        bright, dark = sorted((luminance(palette[text]), luminance(palette[ground])), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_every_section_leads_to_the_commits_it_was_computed_from(fleet: Fleet, tmp_path: Path) -> None:
    commits = dict.fromkeys(INPUTS, "3f" * 16)
    page, _, _ = build(fleet(provenance=commits), tmp_path)
    ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    led = {(attrs["href"] or "")[1:] for attrs in page.all("a")}
    assert led <= ids
    assert {f"from-{name}" for name in INPUTS if name not in ("config", "labels")} <= led
