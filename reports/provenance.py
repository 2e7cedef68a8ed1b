"""Where the numbers come from: each part of the summary → inputs of the report → repo, path and datum."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup

from reports.traced import plain

INPUTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "config": ("config", "/report.json", "forewarn.toml"),
    "risk": ("score", "/risk", "a robot-day"),
    "reasons": ("score", "/reasons", "a robot-day"),
    "similar": ("score", "/similar", "a robot-day"),
    "watch": ("score", "/watch", "a robot-day"),
    "model": ("train", "/model", "the fleet"),
    "evaluation": ("train", "/evaluation", "the fleet"),
    "excluded": ("features", "/excluded", "a robot-day"),
    "failures": ("join", "/failures", "a robot-day"),
    "joined": ("join", "/accounting", "a robot-day"),
    "operation": ("join", "/operation", "a robot-day"),
    "facts": ("extract", "/facts", "a pushed file"),
    "quarantine": ("extract", "/quarantine", "a pushed file"),
    "clocks": ("extract", "/quality", "a pushed file"),
    "accounting": ("extract", "/accounting", "a pushed file"),
    "days": ("extract", "/days", "a pushed file"),
    "logs": ("logs", "/", "as pushed"),
    "labels": ("labels", "/", "what people said"),
}
"""Input of the report → the repo, which bears its pipeline's name, the path in it, and what a datum is."""
SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "missing": ("logs", "accounting", "days", "failures", "excluded", "risk"),
    "fleet": ("risk", "failures"),
    "trend": ("risk",),
    "robots": ("risk", "reasons", "similar", "failures"),
    "verdict": ("evaluation",),
    "figures": ("evaluation",),
    "model": ("model", "evaluation"),
    "excluded": ("excluded",),
    "accounting": ("accounting",),
    "quarantine": ("quarantine",),
    "join": ("joined",),
    "clocks": ("clocks",),
    "analytics": ("risk", "failures", "operation", "facts"),
    "failures": ("failures", "risk"),
    "watch": ("watch", "risk", "failures"),
    "headline": ("risk", "evaluation"),
}
"""Part of the summary → the report's inputs it is made of."""


def source(name: str) -> tuple[str, str, str]:
    """Repo, path and datum of an input; the name alone where it is not known."""
    return INPUTS.get(name, (name, "", ""))


def made_of(summary: Any, *sections: str, dashboard: bool = False) -> Markup:
    """A line that leads from parts of the summary to the inputs they were computed from.

    In the report to the table of commits at its end; on the dashboard to the commit itself.
    """
    commits = plain(summary)["provenance"]
    names = dict.fromkeys(name for section in sections for name in SECTIONS[section] if name in commits)
    if not names:
        return Markup()
    links = Markup(", ").join(
        Markup('<a href="{}">{}:{}</a>').format(
            f"/data?repo={quote(source(name)[0])}&commit={commits[name]}" if dashboard else f"#from-{name}",
            *source(name)[:2],
        )
        for name in names
    )
    return Markup('<p class="note from">Computed from {}</p>').format(links)
