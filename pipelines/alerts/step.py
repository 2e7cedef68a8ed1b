"""What was known and what is seen make what is known next, and events: without clock, store or network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipelines.alerts.state import (
    Alert,
    Event,
    Finding,
    Kind,
    Observation,
    Past,
    Remark,
    State,
    identity,
)
from pipelines.config.alerts import RuleSection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOSING = ("true", "false alarm", "repaired", "resolve")


@dataclass(frozen=True)
class Policy:
    """Rules by name, the first the most important; the most alerts sent in a shift (None: any number)."""

    rules: Mapping[str, RuleSection]
    budget: int | None = None
    shift: timedelta = timedelta(days=1)

    @property
    def receivers(self) -> tuple[str, ...]:
        """Everyone a rule sends to, who is also told of the budget."""
        return tuple(dict.fromkeys(name for rule in self.rules.values() for name in rule.to))


def observe(state: State, policy: Policy, seen: Observation) -> tuple[State, tuple[Event, ...]]:
    """Resolve, raise and hold back as the rules say. Repeating a step gives the same ids.

    An open alert takes up every finding of its key (de-duplication). A new one needs a firing finding, later
    evidence than the key's last alert, and `refractory` since that was raised. Alerts beyond the budget are
    held: they stand open, and nobody is told but that there are some.
    """
    state, events = _turned(state, policy, seen.at)
    found = {(rule, finding.subject): finding for rule, found in seen.findings.items() for finding in found}
    still: list[Alert] = []
    for alert in state.open:
        kept = _kept(alert, policy, seen, found.get(alert.key))
        if kept.resolved is None:
            still.append(kept)
        else:
            state = replace(state, past=_with(state.past, kept))
            events.append(_told("resolved", kept, seen.at))
    state = replace(state, open=tuple(still))
    taken, past = {alert.key for alert in still}, {(one.rule, one.subject): one for one in state.past}
    for name, rule in policy.rules.items():
        for finding in seen.findings.get(name, ()):
            key = name, finding.subject
            if key not in taken and finding.firing and _new(past.get(key), rule, finding, seen.at):
                taken.add(key)
                state, raised = _raised(state, policy, name, finding, seen)
                events += raised
    return state, tuple(events)


def hear(state: State, policy: Policy, said: Remark) -> tuple[State, tuple[Event, ...]]:
    """Acknowledge, assign or resolve the open alerts a remark is about.

    A remark without an alert's id is about the robot's open alerts of cut-offs up to its own.
    """
    state, events = _turned(state, policy, said.at)
    still, past = [], state.past
    for alert in state.open:
        if not _about(said, alert):
            still.append(alert)
        elif said.action in CLOSING:
            why = said.action if not said.note else f"{said.action}: {said.note}"
            closed = replace(alert, resolved=said.at, resolved_by=said.by, why=why)
            past = _with(past, closed)
            events.append(_told("resolved", closed, said.at))
        elif said.action == "acknowledge" and alert.acknowledged_by is None:
            known = replace(alert, acknowledged_by=said.by)
            still.append(known)
            events.append(_told("acknowledged", known, said.at))
        else:
            still.append(replace(alert, assigned_to=said.to) if said.action == "assign" else alert)
    return replace(state, open=tuple(still), past=past), tuple(events)


def _kept(alert: Alert, policy: Policy, seen: Observation, finding: Finding | None) -> Alert:
    """The open alert after an observation, resolved or not."""
    rule = policy.rules.get(alert.rule)
    if rule is None:
        return replace(alert, resolved=seen.at, why="the rule is gone")
    spoken_of = alert.rule in seen.findings and (seen.subjects is None or alert.subject in seen.subjects)
    if not spoken_of:
        return alert
    if finding is not None and finding.holding:
        return replace(alert, quiet_since=None, evidence=max(alert.evidence, finding.evidence))
    since = alert.quiet_since or seen.at
    if seen.at - since < rule.resolve_after:
        return replace(alert, quiet_since=since)
    return replace(alert, quiet_since=since, resolved=seen.at, why="the condition no longer holds")


def _new(last: Past | None, rule: RuleSection, finding: Finding, at: datetime) -> bool:
    return last is None or (at - last.raised >= rule.refractory and finding.evidence > last.evidence)


def _raised(
    state: State, policy: Policy, rule: str, finding: Finding, seen: Observation
) -> tuple[State, Iterable[Event]]:
    held = policy.budget is not None and state.spent >= policy.budget
    alert = Alert(
        id=identity(rule, finding.subject, seen.at.isoformat(), finding.evidence.isoformat()),
        rule=rule,
        subject=finding.subject,
        told=finding.told,
        severity=policy.rules[rule].severity,
        raised=seen.at,
        evidence=finding.evidence,
        commit=seen.commit,
        value=finding.value,
        robot=finding.robot,
        cutoff=finding.cutoff,
        to=() if held else policy.rules[rule].to,
        held=held,
    )
    opened = (*state.open, alert)
    event = Event(f"{alert.id}-raised", "raised", seen.at, alert.told, alert.to, alert)
    if not held:
        return replace(state, open=opened, spent=state.spent + 1), [event]
    told = [] if state.held else [_spent(state, policy, seen.at)]
    return replace(state, open=opened, held=(*state.held, finding.subject)), [event, *told]


def _spent(state: State, policy: Policy, at: datetime) -> Event:
    told = f"the budget of {policy.budget} alerts a shift is spent: more stand on the dashboard only"
    return Event(f"budget-{state.shift}", "budget", at, told, policy.receivers)


def _turned(state: State, policy: Policy, at: datetime) -> tuple[State, list[Event]]:
    """A new shift has a new budget; what the last one held back is told as one."""
    shift = (at - EPOCH) // policy.shift
    if shift <= state.shift:
        return state, []
    fresh = replace(state, shift=shift, spent=0, held=())
    if not state.held:
        return fresh, []
    names = ", ".join(dict.fromkeys(state.held[:10])) + (", …" if len(state.held) > 10 else "")
    told = f"alerts held back in the shift before, beyond the budget: {len(state.held)} ({names})"
    return fresh, [Event(f"held-{state.shift}", "held", at, told, policy.receivers)]


def _told(kind: Kind, alert: Alert, at: datetime) -> Event:
    """What became of an alert, for those who were told of it."""
    became = {
        "acknowledged": f"acknowledged by {alert.acknowledged_by}",
        "resolved": f"resolved: {alert.why}",
    }
    return Event(f"{alert.id}-{kind}", kind, at, f"{alert.told}; {became[kind]}", alert.to, alert)


def _about(said: Remark, alert: Alert) -> bool:
    if said.alert:
        return said.alert == alert.id
    if said.robot != alert.robot or alert.cutoff is None:
        return False
    return datetime.fromisoformat(alert.cutoff) <= datetime.fromisoformat(said.cutoff)


def _with(past: tuple[Past, ...], alert: Alert) -> tuple[Past, ...]:
    others = tuple(one for one in past if (one.rule, one.subject) != alert.key)
    return (*others, Past(alert.rule, alert.subject, alert.raised, alert.evidence))
