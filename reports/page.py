"""The summary as one self-contained HTML file: no script, no network, nothing to be trusted with."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import charts, sparklines, words
from reports.provenance import made_of, source
from reports.traced import Traced, plain

SHOWN_ROBOTS: Final = 100
FIRST_ROBOTS: Final = 3
SHOWN_SLICES: Final = 60


def render(summary: Mapping[str, Any]) -> str:
    """`report.html`. Every number in it is a `<data>` element that names its place in the summary.

    At most 100 robots are listed; the rest are in `risk.csv`.
    """
    style = files("reports.templates").joinpath("report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shown = [robot for robot in summary["robots"] if robot["rank"] is not None][:SHOWN_ROBOTS]
    return (
        _environment()
        .get_template("report.html")
        .render(
            summary=Traced(summary),
            style=Markup(style),  # noqa: S704 (our own file)
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            highest=max((robot["risk"] for robot in shown), default=0.0),
            top=max((peak for robot in shown for peak in robot["trend"] if peak is not None), default=0.0),
            first=FIRST_ROBOTS,
            limit=SHOWN_ROBOTS,
            slice_limit=SHOWN_SLICES,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    forms: dict[str, Callable[[Any], str]] = {
        "percent": words.percent,
        "tenths": words.tenths,
        "points": words.points,
        "decimal": words.decimal,
        "chance": words.chance,
        "signed": words.signed,
        "number": words.count,
        "span": words.span,
        "hours": words.hours,
    }
    environment.filters |= {name: _form(form) for name, form in forms.items()}
    environment.filters |= {
        "moment": _moment,
        "date": _date,
        "clock": words.clock,
        "plain": plain,
        "plural": _plural,
        "feature": words.feature,
    }
    environment.globals |= {
        "sparkline": sparklines.sparkline,
        "trend_chart": charts.trend,
        "bar": sparklines.bar,
        "reliability_chart": charts.reliability,
        "pr_chart": charts.precision_recall,
        "lead_chart": charts.lead_times,
        "survival_chart": charts.survival,
        "periods_chart": charts.periods,
        "dependence_chart": charts.dependence,
        "made_of": made_of,
        "source_of": source,
    }
    return environment


def _form(form: Callable[[Any], str]) -> Callable[[Any], str]:
    def shown(value: Any) -> str:
        return value.marked(form(plain(value))) if isinstance(value, Traced) else form(value)

    return shown


def _plural(value: Any, noun: str) -> str:
    return (
        value.marked(words.plural(plain(value), noun))
        if isinstance(value, Traced)
        else words.plural(value, noun)
    )


def _moment(iso: str | None) -> str:
    return (
        words.UNKNOWN
        if iso is None
        else Markup('<time datetime="{}">{}</time>').format(iso, words.moment(iso))
    )


def _date(iso: str) -> str:
    return Markup('<time datetime="{}">{}</time>').format(iso, iso[:10])
