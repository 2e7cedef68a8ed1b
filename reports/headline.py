"""What a reader with ten seconds takes away, in sentences made of the summary's own numbers."""

from collections.abc import Mapping
from typing import Any

from reports import words


def headline(summary: Mapping[str, Any]) -> dict[str, str]:
    """`sentence`: how many alerts; `lede`: who, why and what changed; `question`: what risk means."""
    return {
        "sentence": _sentence(summary["fleet"], summary["model"]),
        "lede": " ".join(
            part
            for part in (
                summary["missing"]["sentence"],
                _worst(summary),
                _unscored(summary["fleet"]),
                _fleet_change(summary["fleet"]),
            )
            if part
        ),
        "question": _question(summary["question"]),
    }


def _sentence(fleet: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    if not fleet["scored"]:
        return "No robot can be scored yet"
    if model.get("never_alerts"):
        return "No alert can be raised: the model has no usable threshold"
    of = f"of {words.plural(fleet['scored'], 'robot')}"
    now, day = fleet["alert_now"], fleet["alerted_day"]
    if now:
        return f"{now} {of} {'is' if now == 1 else 'are'} above the alert threshold"
    if day:
        return f"No robot is above the alert threshold now; {day} {of} raised an alert in the last 24 h"
    return (
        f"None {of} is above the alert threshold"
        if fleet["scored"] > 1
        else "The robot is below the alert threshold"
    )


def _worst(summary: Mapping[str, Any]) -> str:
    first = next((robot for robot in summary["robots"] if robot["rank"] == 1), None)
    if first is None:
        return ""
    if summary["rank_by"] == "now":
        text = (
            f"Robot {first['robot_id']} is most at risk: {words.percent(first['risk'])} at its latest cut-off"
        )
    else:
        text = (
            f"Robot {first['robot_id']} is most at risk: {words.percent(first['risk'])} on average over 24 h"
        )
    return (
        f"{text}, {words.percent(first['risk_peak'])} at its peak ({words.moment(first['peak_at'])} UTC)"
        + _because(first)
    )


def _unscored(fleet: Mapping[str, Any]) -> str:
    if fleet["scored"] == fleet["robots"]:
        return ""
    return f"Scored {fleet['scored']} of {fleet['robots']} robots; the ranking says why of each other."


def _because(robot: Mapping[str, Any]) -> str:
    return f", mainly because {robot['reasons'][0]['words']}." if robot["reasons"] else "."


def _fleet_change(fleet: Mapping[str, Any]) -> str:
    if fleet["risk_day"] is None:
        return ""
    text = f"Across the fleet the mean risk of the last 24 h is {words.percent(fleet['risk_day'])}"
    if fleet["risk_before"] is None:
        return text + "."
    change = words.points(fleet["risk_day"] - fleet["risk_before"])
    former = words.percent(fleet["risk_before"])
    return (
        f"{text}, {'unchanged from' if change == '±0' else f'{change} points from'} {former} the day before."
    )


def _question(question: Mapping[str, Any]) -> str:
    horizon = words.span(question["horizon_s"])
    if not question["lead_s"]:
        return f"Risk is the calibrated probability that a failure begins within the next {horizon}."
    lead, end = words.span(question["lead_s"]), words.span(question["lead_s"] + question["horizon_s"])
    return (
        f"Risk is the calibrated probability that a failure begins between {lead} and {end} from the cut-off."
    )
