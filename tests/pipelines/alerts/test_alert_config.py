"""`[alerts]`: mistakes are named with the fix, secrets cannot be written down, no step depends on it."""

import pytest

from features.errors import DataError
from pipelines.config import parse_config
from tests.pipelines.alerts.test_watch import CONFIG

GOOD = CONFIG.replace("URL", "https://hooks.example.com/x")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("risk_above = 0.5", "risk_abov = 0.5", "did you mean 'risk_above'?"),
        ("risk_above = 0.5", "risk_above = 0.5, top = 3", "give exactly one condition"),
        ("risk_above = 0.5", "risk_above = 50", "less than 1"),
        ("risk_above = 0.5", "cannot_score = false", "alerts.rules.risk.when.cannot_score"),
        ('refractory = "0s"', "refractory = 5", "a duration is a number with a unit"),
        ('refractory = "0s"', 'refractry = "0s"', "did you mean 'refractory'?"),
        ('refractory = "0s"', "resolve_below = 0.8", "it would resolve at once"),
        ('to = ["ops"]', 'to = ["opz"]', "names 'opz', which is not declared; did you mean 'ops'?"),
        ("{ risk_above = 0.5 }", "{ job_failed = true }\nrobots = ['a']", "is about no robot"),
        ("{ risk_above = 0.5 }", "{ top = 3 }\nresolve_below = 1", "use resolve_after"),
        ('kind = "webhook"', 'kind = "sms"', "alerts.receivers.ops.kind"),
        ('kind = "webhook"', 'kind = "slack"', "a Slack address is a secret"),
        ('kind = "webhook"', 'kind = "pagerduty"', 'secret = "env:NAME"'),
        ('kind = "webhook"', 'kind = "email"', "needs host, sender, recipients"),
        ('kind = "webhook"', 'kind = "webhook"\nsecret = "hunter2"', "alerts.receivers.ops.secret"),
        ("https://", "ftp://", "url must be http(s)"),
        ("127.0.0.0/8", "127.0.0.1/8", "has host bits set"),
    ],
)
def test_a_mistake_names_its_key_and_the_fix(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(DataError) as error:
        parse_config(GOOD.replace(old, new, 1))
    assert expected in str(error.value)


def test_a_password_goes_only_over_starttls() -> None:
    mail = 'kind = "email"\nhost = "m"\nsender = "a@b"\nrecipients = ["c@d"]\nuser = "u"\nsecret = "env:P"\n'
    text = GOOD.replace('kind = "webhook"', mail)
    assert parse_config(text).alerts.receivers["ops"].starttls
    with pytest.raises(DataError, match="only with starttls"):
        parse_config(text.replace("user =", "starttls = false\nuser ="))


def test_no_step_runs_again_for_an_alert_rule() -> None:
    assert parse_config(GOOD).step_files == parse_config(GOOD.partition("[alerts]")[0]).step_files
