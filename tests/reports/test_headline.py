"""The first sentences of a report say what is missing from it."""

from reports.headline import headline

FLEET = {"robots": 100, "scored": 96, "alert_now": 0, "alerted_day": 0, "risk_day": None, "risk_before": None}
QUESTION = {"horizon_s": 600.0, "lead_s": 0.0}


def lede(**fleet: int) -> str:
    summary = {"fleet": FLEET | fleet, "model": {}, "robots": [], "rank_by": "day", "question": QUESTION}
    return headline(summary | {"missing": {"sentence": ""}})["lede"]


def test_robots_that_could_not_be_scored_are_counted() -> None:
    assert lede() == "Scored 96 of 100 robots; the ranking says why of each other."
    assert lede(scored=100) == ""
