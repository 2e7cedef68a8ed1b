"""One attempt to deliver an event; what it came to is told without a secret in it."""

import http.client
import os
import smtplib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from features.errors import NotFoundError
from pipelines.alerts import payloads
from pipelines.alerts.reach import Reach, RefusedError
from pipelines.alerts.state import Event
from pipelines.config.alerts import ReceiverSection

Result = Literal["arrived", "again", "never"]
_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Attempt:
    """arrived; again: may arrive later; never: trying again would not help. outcome: in words, no secret."""

    result: Result
    outcome: str
    seconds: float


def send(event: Event, receiver: ReceiverSection, reach: Reach, project: str) -> Attempt:
    """Deliver an event once."""
    started = time.monotonic()
    try:
        result, outcome = (
            _mailed(event, receiver, reach, project)
            if receiver.kind == "email"
            else _posted(event, receiver, reach, project)
        )
    except (RefusedError, NotFoundError) as error:
        result, outcome = "never", str(error)
    except ssl.SSLCertVerificationError as error:
        result, outcome = "never", f"its certificate is not trusted: {error.verify_message}"
    except smtplib.SMTPResponseException as error:
        result, outcome = _of_mail(error.smtp_code)
    # Only the kind of others: what a server or a library says may hold the address, and with it a secret.
    except (http.client.InvalidURL, UnicodeError) as error:
        result, outcome = "never", type(error).__name__
    except (smtplib.SMTPException, http.client.HTTPException, OSError) as error:
        result, outcome = "again", _kind(error)
    except Exception as error:  # a message that cannot be made must not stand in the way of others
        result, outcome = "never", type(error).__name__
    return Attempt(result, outcome, round(time.monotonic() - started, 3))


def resolved(reference: str) -> str:
    """The value that `env:NAME` or `file:/path` holds. Raises NotFoundError, never telling the value."""
    kind, _, place = reference.partition(":")
    if kind == "env":
        value = os.environ.get(place, "")
    else:
        try:
            value = Path(place).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotFoundError(f"{place} cannot be read", got=type(error).__name__) from None
    if not value:
        raise NotFoundError(f"{reference} holds nothing", hint="set it where forewarn runs")
    return value


def _posted(event: Event, receiver: ReceiverSection, reach: Reach, project: str) -> tuple[Result, str]:
    url = resolved(receiver.url) if receiver.url.startswith(("env:", "file:")) else receiver.url
    secret = resolved(receiver.secret) if receiver.secret else ""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "forewarn",
        "Idempotency-Key": event.id,
    }
    body: Mapping[str, object]
    match receiver.kind:
        case "slack":
            body = payloads.slack(event, project)
        case "pagerduty":
            body = payloads.pagerduty(event, project, secret)
        case _:
            body = payloads.webhook(event, project)
            if secret:
                headers["Authorization"] = f"Bearer {secret}"
    status = reach.post(url, msgspec.json.encode(body), headers)
    if 200 <= status < 300:
        return "arrived", f"answered {status}"
    if 300 <= status < 400:
        return "never", f"answered {status}: redirects are not followed"
    return ("again" if status >= 500 or status in _LATER else "never"), f"answered {status}"


def _mailed(event: Event, receiver: ReceiverSection, reach: Reach, project: str) -> tuple[Result, str]:
    message = payloads.email(event, project, receiver.sender, receiver.recipients)
    password = resolved(receiver.secret) if receiver.secret else ""
    with reach.mail(receiver.host, receiver.port) as server:
        if receiver.starttls:
            server.starttls(context=reach.context())
        if receiver.user:
            server.login(receiver.user, password)
        refused = server.send_message(message)
    return "arrived", "taken" if not refused else f"taken, but not for {len(refused)} of the recipients"


def _of_mail(code: int) -> tuple[Result, str]:
    return ("never" if 500 <= code < 600 else "again"), f"the mail server answered {code}"


def _kind(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno:
        return f"{type(error).__name__}: {os.strerror(error.errno) if error.errno > 0 else 'no such host'}"
    return type(error).__name__
