"""`[alerts]`: which conditions make an alert, whom it is sent to, and what keeps alerts few."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from pipelines.config.section import FieldName, Section, known
from pipelines.durations import Duration

REFERENCE: Final = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$"
PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
ABOUT_ROBOTS: Final = ("risk_above", "top", "cannot_score", "silent_stream")

Secret = Annotated[str, Field(pattern=REFERENCE)]


def _network(text: str) -> str:
    ip_network(text)
    return text


Network = Annotated[str, AfterValidator(_network)]


class ConditionSection(Section):
    """`[alerts.rules.<name>.when]`: what the rule looks for; exactly one key."""

    risk_above: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="a robot's risk: the highest of its last 24 h, or the latest where report.rank_by is now",
    )
    top: int | None = Field(None, ge=1, description="the robot is among the first so many of the ranking")
    cannot_score: Literal[True] | None = Field(None, description="the robot cannot be scored")
    silent_stream: Literal[True] | None = Field(
        None, description="a stream without one match on a robot's newest day, or a robot silent altogether"
    )
    job_failed: Literal[True] | None = Field(None, description="a pipeline's job failed")
    drift_above: float | None = Field(
        None, gt=0, description="population stability index (PSI) of a feature or the risk; 0.25 is drifted"
    )

    @model_validator(mode="after")
    def _one(self) -> "ConditionSection":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one condition, such as risk_above = 0.6; got {given or 'none'}")
        return self

    @property
    def kind(self) -> str:
        """The key that was given."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def limit(self) -> float:
        """Its value; 1 for a condition that has none."""
        return float(getattr(self, self.kind))


class RuleSection(Section):
    """`[alerts.rules.<name>]`: one rule; of several the file's first has the first call on the budget."""

    when: ConditionSection
    robots: tuple[str, ...] = Field(("*",), description="robot ids, `*` and `?` for any characters")
    where: dict[str, tuple[str, ...]] = Field(
        {}, description="fact (`<stream>__<field>`) → values a robot has one of, such as its sites"
    )
    refractory: Duration = Field(
        timedelta(hours=4), description="after an alert, silence about the same for so long"
    )
    resolve_below: float | None = Field(
        None, gt=0, description="resolves once the figure is below; none = the limit of `when`"
    )
    resolve_after: Duration = Field(
        timedelta(0), description="resolves after the condition has not held for so long"
    )
    severity: Literal["info", "warning", "error", "critical"] = Field(
        "warning", description="as receivers are told"
    )
    to: tuple[FieldName, ...] = Field(
        (), description="receivers; none = the alert stands on the dashboard only"
    )

    @model_validator(mode="after")
    def _fits(self) -> "RuleSection":
        kind, limit = self.when.kind, self.when.limit
        if kind not in ABOUT_ROBOTS and (self.robots != ("*",) or self.where):
            raise ValueError(f"{kind} is about no robot: robots and where do not apply")
        if self.resolve_below is not None:
            if kind not in ("risk_above", "drift_above"):
                raise ValueError(f"resolve_below needs a figure, which {kind} has not; use resolve_after")
            if self.resolve_below > limit:
                raise ValueError(f"resolve_below is above the limit {limit:g}: it would resolve at once")
        return self


class ReceiverSection(Section):
    """`[alerts.receivers.<name>]`: where alerts go. Secrets are named, never written here."""

    kind: Literal["webhook", "slack", "pagerduty", "email"] = Field(description="what is spoken there")
    url: str = Field(
        "", description="http(s) address, or `env:NAME`, `file:/path` that holds it (Slack: always)"
    )
    secret: Secret | None = Field(
        None,
        description="`env:NAME` or `file:/path`: bearer token (webhook), routing key (PagerDuty), password "
        "(email)",
    )
    host: str = Field("", description="mail server")
    port: int = Field(587, ge=1, le=65_535, description="its port")
    starttls: bool = Field(True, description="encrypt the connection; a password is never sent without")
    user: str = Field("", description="who signs in at the mail server")
    sender: str = Field("", description="address mails come from")
    recipients: tuple[str, ...] = Field((), description="addresses mails go to")

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("kind") == "pagerduty":
            return {"url": PAGERDUTY, **given}
        return given

    @model_validator(mode="after")
    def _complete(self) -> "ReceiverSection":
        if self.kind == "email":
            lacking = [name for name in ("host", "sender", "recipients") if not getattr(self, name)]
            if lacking:
                raise ValueError(f"a receiver of kind email needs {', '.join(lacking)}")
            if bool(self.user) != bool(self.secret) or (self.secret and not self.starttls):
                raise ValueError("user and secret go together, and only with starttls")
            return self
        referred = self.url.startswith(("env:", "file:/"))
        if not referred and (
            urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname
        ):
            raise ValueError(f"url must be http(s)://…, env:NAME or file:/path; got {self.url[:80]!r}")
        if self.kind == "slack" and not referred:
            raise ValueError("a Slack address is a secret: keep it in env:NAME or file:/path")
        if self.kind == "pagerduty" and self.secret is None:
            raise ValueError('pagerduty needs secret = "env:NAME", the routing key')
        return self


class AlertSection(Section):
    """`[alerts]`: rules, receivers, and what keeps alerts few."""

    budget: int | None = Field(
        None, ge=0, description="most alerts sent in a `report.shift`; the rest are counted, and told as one"
    )
    internal: tuple[Network, ...] = Field(
        (), description='networks of internal receivers, such as "10.1.2.0/24"; others are refused'
    )
    rules: dict[FieldName, RuleSection] = Field({}, description="rules by name")
    receivers: dict[FieldName, ReceiverSection] = Field({}, description="receivers by name")

    @model_validator(mode="after")
    def _declared(self) -> "AlertSection":
        for name, rule in self.rules.items():
            for receiver in rule.to:
                known(f"alerts.rules.{name}.to", receiver, self.receivers)
        return self
