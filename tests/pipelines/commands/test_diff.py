from typing import Any

from pipelines.commands.diff import compare


def summary(
    word: str, risk: float | None, robots: dict[str, tuple[float, int, float, int]]
) -> dict[str, Any]:
    """Robot -> risk, rank, hours, failures."""
    return {
        "robots": [
            {"robot_id": name, "risk": risk, "rank": rank, "episodes": episodes}
            for name, (risk, rank, _, episodes) in robots.items()
        ],
        "fleet": {"episodes": sum(r[3] for r in robots.values()), "risk_day": risk, "alerted_day": 1},
        "verdict": {"word": word},
        "analytics": {
            "fleet": {"hours": sum(r[2] for r in robots.values())},
            "robots": [{"robot_id": name, "hours": hours} for name, (_, _, hours, _) in robots.items()],
        },
    }


def test_robots_hours_failures_and_risk_are_compared() -> None:
    old = summary("useful", 0.3, {"a": (0.2, 3, 10.0, 1), "b": (0.3, 2, 8.0, 0), "c": (0.4, 1, 5.0, 0)})
    new = summary("useful", None, {"a": (0.9, 1, 12.0, 2), "c": (0.4, 2, 5.0, 0), "d": (0.1, 3, 1.0, 0)})
    found = compare(old, new)
    assert found["fleet"] == {
        "robots": {"before": 3, "after": 3, "change": 0},
        "robot_hours": {"before": 23.0, "after": 18.0, "change": -5.0},
        "failures": {"before": 1, "after": 2, "change": 1},
        "risk_day": {"before": 0.3, "after": None, "change": None},
        "alerted_day": {"before": 1, "after": 1, "change": 0},
    }
    assert [(row["robot_id"], row["presence"]) for row in found["robots"]] == [
        ("b", "gone"),
        ("d", "new"),
        ("a", "both"),
        ("c", "both"),
    ]
    assert found["robots"][2]["risk"] == {"before": 0.2, "after": 0.9, "change": 0.7}
    assert found["robots"][2]["robot_hours"]["change"] == 2.0
    assert found["unchanged"] == 0


def test_what_is_the_same_is_only_counted() -> None:
    same = summary("useful", 0.3, {"a": (0.2, 2, 10.0, 1), "b": (0.3, 1, 8.0, 0)})
    assert (compare(same, same)["robots"], compare(same, same)["unchanged"]) == ([], 2)
