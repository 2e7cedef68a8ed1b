"""The page of a sweep: window against lead as a heat map and as a table, in one file that needs no other."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup, escape

from models.sweep import Cell
from reports.words import decimal, percent, span

_LEFT: Final = 96
_TOP: Final = 46
_WIDE: Final = 110
_HIGH: Final = 44
_STYLE: Final = Markup("""
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #1c2226; --soft: #566068; --line: #e2dfd8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181b; --ink: #e8e6e1; --soft: #a3acb3; --line: #30373d; }
}
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } svg text { font-size: 14px; fill: var(--ink); } svg .soft { fill: var(--soft); }
table { border-collapse: collapse; } th, td { padding: 0.2rem 0.8rem; text-align: right; }
th { border-bottom: 1px solid var(--line); font-weight: 600; } td:last-child { text-align: left; }
p { max-width: 46em; } .soft { color: var(--soft); }
""")
_COLUMNS: Final = (
    "window", "lead", "ROC-AUC", "PR-AUC", "times prevalence", "prevalence", "episodes", "rows", "features",
    "",
)  # fmt: skip


def sweep_page(title: str, cells: Sequence[Cell]) -> str:
    """One self-contained HTML page of the cells of `models.sweep.sweep`."""
    rows = Markup("").join(_row(cell) for cell in cells)
    heads = Markup("").join(Markup("<th scope=col>{}</th>").format(name) for name in _COLUMNS)
    page = Markup(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>{title}</title><style>{style}</style><h1>{title}</h1><p>{best}</p>"
        "<div class=scroll>{map}</div><p class=soft>ROC-AUC of a quick model of each window's features, for "
        "failures that start in the horizon after each lead, on the newest rows: 0.5 is chance, 1 perfect. "
        "It tells which question is worth training for; it is not an evaluation.</p>"
        "<div class=scroll><table><tr>{heads}</tr>{rows}</table></div></html>\n"
    )
    return str(
        page.format(
            title=title,
            style=_STYLE,
            best=sentence(cells),
            map=heat_map(cells),
            heads=heads,
            rows=rows,
        )
    )


def best(cells: Sequence[Cell]) -> Cell | None:
    """The cell of the highest ROC-AUC, of equals the shortest window and longest lead; None without any."""
    judged = [cell for cell in cells if cell.roc_auc is not None]
    return max(judged, key=lambda cell: (cell.roc_auc or 0.0, -cell.window_s, cell.lead_s), default=None)


def sentence(cells: Sequence[Cell]) -> str:
    """What the sweep found, in words."""
    found = best(cells)
    if found is None:
        return "Nothing can be told: " + "; ".join(sorted({cell.why for cell in cells})) + "."
    return (
        f"Best: look back {span(found.window_s)}, warn {span(found.lead_s)} ahead: "
        f"ROC-AUC {decimal(found.roc_auc)} on {found.episodes} failure episodes."
    )


def heat_map(cells: Sequence[Cell]) -> Markup:
    """Windows down, leads across, ROC-AUC as colour and number."""
    windows = sorted({cell.window_s for cell in cells})
    leads = sorted({cell.lead_s for cell in cells})
    width, height = _LEFT + _WIDE * len(leads), _TOP + _HIGH * len(windows)
    body = [Markup('<text x="{}" y="16" class="soft">lead time</text>').format(_LEFT)]
    body += [
        Markup('<text x="{}" y="38" text-anchor="middle">{}</text>').format(_middle(i), span(lead))
        for i, lead in enumerate(leads)
    ]
    body += [
        Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
            _LEFT - 10, _baseline(i), span(window)
        )
        for i, window in enumerate(windows)
    ]
    body += [_square(cell, leads.index(cell.lead_s), windows.index(cell.window_s)) for cell in cells]
    return Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(
        f"ROC-AUC by window and lead time. {sentence(cells)}",
        width,
        height,
        width,
        height,
        Markup("").join(body),
    )


def _square(cell: Cell, across: int, down: int) -> Markup:
    """From white at chance to dark blue at perfect; grey where nothing can be told."""
    told = max(0.0, min(1.0, ((cell.roc_auc or 0.5) - 0.5) * 2))
    red, green, blue = (
        round(light + (dark - light) * told) for light, dark in ((240, 8), (243, 64), (245, 116))
    )
    fill = f"rgb({red},{green},{blue})" if cell.roc_auc is not None else "#c9c9c4"
    ink = "#ffffff" if told > 0.5 else "#1c2226"
    hint = cell.why or f"{span(cell.window_s)} back, {span(cell.lead_s)} ahead: {decimal(cell.roc_auc)}"
    return Markup(
        '<g><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="3" fill="{}"/>'
        '<text x="{}" y="{}" text-anchor="middle" style="fill:{}">{}</text></g>'
    ).format(
        escape(hint), _LEFT + across * _WIDE + 2, _TOP + down * _HIGH + 2, _WIDE - 4, _HIGH - 4, fill,
        _middle(across), _baseline(down), ink, decimal(cell.roc_auc),
    )  # fmt: skip


def _middle(across: int) -> int:
    return _LEFT + across * _WIDE + _WIDE // 2


def _baseline(down: int) -> int:
    return _TOP + down * _HIGH + _HIGH // 2 + 5


def _row(cell: Cell) -> Markup:
    shown = (
        span(cell.window_s), span(cell.lead_s), decimal(cell.roc_auc), decimal(cell.pr_auc),
        decimal(cell.lift), percent(cell.prevalence), cell.episodes, cell.rows, cell.features, cell.why,
    )  # fmt: skip
    return Markup("<tr>{}</tr>").format(
        Markup("").join(Markup("<td>{}</td>").format(value) for value in shown)
    )
