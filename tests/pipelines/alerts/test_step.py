"""Rules step as a slow oracle says: de-duplication, refractory, auto-resolve, budget; and steps repeat."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts.state import Alert, Event, Finding, Observation, Remark, State
from pipelines.alerts.step import Policy, hear, observe
from pipelines.config.alerts import RuleSection

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rule(refractory: int = 4, resolve_after: int = 0, to: tuple[str, ...] = ("ops",)) -> RuleSection:
    return RuleSection.model_validate(
        {
            "when": {"risk_above": 0.5},
            "refractory": f"{refractory}h",
            "resolve_after": f"{resolve_after}h",
            "to": to,
        }
    )


def finding(subject: str, evidence: int, *, firing: bool = True, holding: bool = True) -> Finding:
    at = START + evidence * HOUR
    return Finding(subject, f"{subject} is at risk", at, firing, holding, 0.7, subject, at.isoformat())


def see(hour: int, *findings: Finding, name: str = "risk") -> Observation:
    return Observation(START + hour * HOUR, f"c{hour}", {name: findings})


def run(policy: Policy, *inputs: Observation | Remark) -> tuple[State, list[Event]]:
    state, told = State(), []
    for one in inputs:
        state, events = (observe if isinstance(one, Observation) else hear)(state, policy, one)  # type: ignore[arg-type]
        told += events
    return state, told


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def test_an_alert_is_raised_once_and_resolves_when_its_condition_no_longer_holds() -> None:
    _, events = run(Policy({"risk": rule()}), see(0, finding("a", 0)), see(1, finding("a", 1)), see(2))
    assert kinds(events) == ["raised", "resolved"]
    assert events[1].alert is not None
    assert (events[1].alert.resolved, events[1].to) == (START + 2 * HOUR, ("ops",))


def test_hysteresis_a_finding_that_only_holds_keeps_an_alert_open_but_makes_none() -> None:
    weak = finding("a", 1, firing=False)
    assert kinds(run(Policy({"risk": rule()}), see(0, weak))[1]) == []
    assert kinds(run(Policy({"risk": rule()}), see(0, finding("a", 0)), see(1, weak))[1]) == ["raised"]


@pytest.mark.parametrize(("hour", "raised"), [(3, 1), (4, 2)])
def test_refractory_is_silence_from_the_alert_before_to_the_hour(hour: int, raised: int) -> None:
    _, events = run(
        Policy({"risk": rule(refractory=4)}), see(0, finding("a", 0)), see(1), see(hour, finding("a", hour))
    )
    assert kinds(events).count("raised") == raised


def test_the_same_evidence_never_makes_a_second_alert() -> None:
    policy = Policy({"risk": rule(refractory=0)})
    _, events = run(policy, see(0, finding("a", 0)), see(1), see(9, finding("a", 0)))
    assert kinds(events) == ["raised", "resolved"]


def test_a_quiet_spell_shorter_than_resolve_after_does_not_resolve() -> None:
    policy = Policy({"risk": rule(resolve_after=2)})
    inputs = [see(0, finding("a", 0)), see(1), see(2, finding("a", 2)), see(3), see(4), see(5)]
    _, events = run(policy, *inputs)
    assert [(event.kind, event.at) for event in events] == [
        ("raised", START),
        ("resolved", START + 5 * HOUR),
    ]


def test_beyond_the_budget_alerts_are_held_counted_and_told_as_one() -> None:
    policy = Policy({"risk": rule(refractory=0)}, budget=1, shift=8 * HOUR)
    many = tuple(finding(name, 0) for name in "abc")
    state, events = run(policy, see(0, *many), see(9, *many))
    assert kinds(events) == ["raised", "raised", "budget", "raised", "held"]
    assert [event.to for event in events] == [("ops",), (), ("ops",), (), ("ops",)]
    assert events[-1].told == "alerts held back in the shift before, beyond the budget: 2 (b, c)"
    assert [alert.held for alert in state.open] == [False, True, True]
    closed, quiet = observe(state, policy, see(10))
    assert [event.to for event in quiet] == [("ops",), (), ()]
    assert closed.open == ()


def test_a_rule_that_is_gone_resolves_its_alerts_for_those_who_were_told() -> None:
    state, _ = run(Policy({"risk": rule()}), see(0, finding("a", 0)))
    state, events = observe(state, Policy({}), see(1))
    assert (kinds(list(events)), events[0].to, state.open) == (["resolved"], ("ops",), ())


def test_what_is_not_spoken_of_stays_as_it_is() -> None:
    policy = Policy({"risk": rule(), "jobs": rule()})
    about = Observation(START + HOUR, "c", {"jobs": ()}, frozenset({"join"}))
    state, events = run(policy, see(0, finding("a", 0)), see(0, finding("train", 0), name="jobs"), about)
    assert (kinds(events), len(state.open)) == (["raised", "raised"], 2)


def said(action: str, hour: int, *, cutoff: int = 0, alert: str = "", robot: str = "a") -> Remark:
    at = START + hour * HOUR
    return Remark(at, "ana", action, robot, (START + cutoff * HOUR).isoformat(), alert, to="bo")


def test_people_acknowledge_assign_and_close_and_receivers_are_told() -> None:
    policy = Policy({"risk": rule(refractory=0)})
    raised = see(0, finding("a", 0))
    state, events = run(policy, raised, said("acknowledge", 1), said("acknowledge", 1), said("assign", 1))
    assert kinds(events) == ["raised", "acknowledged"]
    assert (state.open[0].acknowledged_by, state.open[0].assigned_to) == ("ana", "bo")
    state, events = run(policy, raised, said("repaired", 2), see(3, finding("a", 0)), see(4, finding("a", 4)))
    assert kinds(events) == ["raised", "resolved", "raised"]
    assert events[1].alert is not None
    assert (events[1].alert.resolved_by, events[1].alert.why) == ("ana", "repaired")


def test_a_remark_is_about_the_named_alert_or_the_robots_earlier_cutoffs() -> None:
    policy = Policy({"risk": rule()})
    raised = see(5, finding("a", 5), finding("b", 5))
    state, _ = run(policy, raised)
    first = state.open[0].id
    for remark, left in [
        (said("true", 6, cutoff=5), ["b"]),
        (said("true", 6, cutoff=4), ["a", "b"]),
        (said("true", 6, alert=first, robot="else"), ["b"]),
        (said("true", 6, alert="other"), ["a", "b"]),
    ]:
        assert [alert.subject for alert in hear(state, policy, remark)[0].open] == left


@dataclass
class Slow:
    """Everything ever raised, searched from the beginning for every question."""

    alerts: list[dict[str, object]]

    def step(self, policy: Policy, seen: Observation) -> None:
        for name, findings in seen.findings.items():
            asked = policy.rules[name]
            by = {one.subject: one for one in reversed(findings)}
            for alert in self.alerts:
                if alert["rule"] != name or alert["end"] is not None:
                    continue
                one = by.get(str(alert["subject"]))
                if one is not None and one.holding:
                    alert["quiet"] = None
                    alert["evidence"] = max(alert["evidence"], one.evidence)  # type: ignore[type-var]
                else:
                    alert["quiet"] = alert["quiet"] or seen.at
                    if seen.at - alert["quiet"] >= asked.resolve_after:  # type: ignore[operator]
                        alert["end"] = seen.at
        for name in policy.rules:
            for one in seen.findings.get(name, ()):
                mine = [a for a in self.alerts if (a["rule"], a["subject"]) == (name, one.subject)]
                silent = any(
                    a["end"] is None
                    or seen.at - a["at"] < policy.rules[name].refractory  # type: ignore[operator]
                    or a["evidence"] >= one.evidence  # type: ignore[operator]
                    for a in mine
                )
                if one.firing and not silent:
                    shift = (seen.at - datetime(1970, 1, 1, tzinfo=UTC)) // policy.shift
                    sent = sum(a["shift"] == shift and not a["held"] for a in self.alerts)
                    self.alerts.append(
                        {
                            "rule": name,
                            "subject": one.subject,
                            "at": seen.at,
                            "evidence": one.evidence,
                            "quiet": None,
                            "end": None,
                            "shift": shift,
                            "held": policy.budget is not None and sent >= policy.budget,
                        }
                    )


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from("abc"),
        st.integers(0, 40),
        firing=st.booleans(),
        holding=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda one: one.subject,
)


@given(
    seen=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["x", "y"]), FINDINGS), max_size=12),
    refractory=st.integers(0, 9),
    resolve_after=st.integers(0, 5),
    budget=st.none() | st.integers(0, 3),
)
def test_steps_are_what_the_slow_oracle_says(
    seen: list[tuple[int, str, list[Finding]]], refractory: int, resolve_after: int, budget: int | None
) -> None:
    rules = {"x": rule(refractory, resolve_after), "y": rule(refractory)}
    policy, slow, state = Policy(rules, budget, 8 * HOUR), Slow([]), State()
    hour, events, ever = 0, list[Event](), dict[str, Alert]()
    for gap, name, findings in seen:
        hour += gap
        one = see(hour, *findings, name=name)
        slow.step(policy, one)
        assert observe(state, policy, one) == observe(state, policy, one)
        state, made = observe(state, policy, one)
        events += made
    for event in events:
        if event.alert is not None:
            ever[event.alert.id] = event.alert
    ever |= {alert.id: alert for alert in state.open}
    told = [(a.rule, a.subject, a.raised, a.resolved, a.held) for a in ever.values()]
    expected = [(a["rule"], a["subject"], a["at"], a["end"], a["held"]) for a in slow.alerts]
    assert sorted(map(str, told)) == sorted(map(str, expected))
    assert len({event.id for event in events}) == len(events)
    sent = [event for event in events if event.kind == "raised" and event.to]
    for shift in range(60):
        within = [e for e in sent if shift * 8 * HOUR <= e.at - START < (shift + 1) * 8 * HOUR]
        assert budget is None or len(within) <= budget
