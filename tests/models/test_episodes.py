import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.dataset import Episodes
from models.episodes import Stream

LEAD, HORIZON = 2, 6
cutoffs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=50, unique=True)
starts = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50)), max_size=6, unique=True)


def made(rows: list[tuple[int, int]], episodes: list[tuple[int, int]], refractory: int) -> Stream:
    """A stream whose ns are small numbers, with bounds found by looking at every row."""
    rows, episodes = sorted(rows), sorted(episodes)
    may = [
        [
            i
            for i, (robot, at) in enumerate(rows)
            if robot == code and start - LEAD - HORIZON < at <= start - LEAD
        ]
        for code, start in episodes
    ]
    return Stream(
        robot=np.array([robot for robot, _ in rows], dtype=np.int32),
        cutoff=np.array([at for _, at in rows], dtype=np.int64),
        label=np.array([any(i in rows_of for rows_of in may) for i in range(len(rows))], dtype=bool),
        episodes=Episodes(
            np.array([code for code, _ in episodes], dtype=np.int32),
            np.array([start for _, start in episodes], dtype=np.int64),
            ("stall",) * len(episodes),
        ),
        first=np.array([rows_of[0] if rows_of else 0 for rows_of in may], dtype=np.int64),
        last=np.array([rows_of[-1] + 1 if rows_of else 0 for rows_of in may], dtype=np.int64),
        warned_for=LEAD + HORIZON,
        refractory=refractory,
        days=1.0,
    )


def slow_alerts(rows: list[tuple[int, int]], hot: list[bool], refractory: int) -> list[int]:
    silent_until: dict[int, int] = {}
    raised = []
    for index, (robot, at) in enumerate(sorted(rows)):
        if hot[index] and at >= silent_until.get(robot, -1):
            raised.append(index)
            silent_until[robot] = at + refractory
    return raised


@given(cutoffs, starts, st.integers(0, 12), st.data())
def test_alerts_catches_and_lead_times_match_plain_loops(
    rows: list[tuple[int, int]], episodes: list[tuple[int, int]], refractory: int, data: st.DataObject
) -> None:
    hot = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    outcome = made(rows, episodes, refractory).judged(np.array(hot))
    alerts = slow_alerts(rows, hot, refractory)
    assert outcome.alerts.tolist() == alerts
    ordered = sorted(rows)
    for index, (code, start) in enumerate(sorted(episodes)):
        warned = [
            start - ordered[i][1]
            for i in alerts
            if ordered[i][0] == code and LEAD <= start - ordered[i][1] < LEAD + HORIZON
        ]
        assert outcome.caught[index] == bool(warned)
        assert outcome.lead[index] == (max(warned) if warned else -1)
    for place, i in enumerate(alerts):
        robot, at = ordered[i]
        follows = any(code == robot and at + LEAD <= start < at + LEAD + HORIZON for code, start in episodes)
        assert outcome.true[place] == follows


def test_an_episode_without_rows_counts_as_missed() -> None:
    part = made([(0, 10), (1, 10)], [(0, 14), (1, 40)], 5)
    assert part.reachable.tolist() == [True, False]
    assert part.judged(np.array([True, True])).caught.tolist() == [True, False]


def test_no_alert_catches_nothing() -> None:
    outcome = made([(0, 10)], [(0, 14)], 5).judged(np.array([False]))
    assert outcome.alerts.tolist() == []
    assert outcome.caught.tolist() == [False]
