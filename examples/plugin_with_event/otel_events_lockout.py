"""A plugin that can be installed: it has an event type of its own and reacts to the application's events.

A package is a plugin by its entry point in the group ``otel_events`` (see pyproject.toml beside this file), which names a
module with hook implementations. This one counts refused sign-ins, and tells the application when to refuse the next one.
``application.py`` beside this file uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import otel_events
from otel_events import Event, EventTracker, Login, LoginFailed

LIMIT = 3
MAX_ACCOUNTS = 10_000

_refused: Counter[str] = Counter()


@dataclass
class AccountLocked(Event):
    """A sign-in was not even tried, because those before it were refused."""

    name = "account-locked"
    namespace = "lockout"
    severity = "ERROR"
    message = "{actor} is locked out after {refused} refused sign-ins"
    refused: int


@otel_events.hookimpl
def register_events() -> list[type]:
    return [AccountLocked]


@otel_events.hookimpl
def track_event(event: Any) -> None:
    """Count what was refused, and forget it after a sign-in that was not."""
    if isinstance(event, (Login, LoginFailed)) and isinstance(event.actor, Mapping):
        who = str(event.actor["id"])
        if isinstance(event, Login):
            _refused.pop(who, None)
        elif who in _refused or len(_refused) < MAX_ACCOUNTS:
            _refused[who] += 1


@otel_events.hookimpl
def stats() -> dict[str, int]:
    """Show in ``tracker.stats()`` how many accounts are locked."""
    return {"locked": sum(count >= LIMIT for count in _refused.values())}


def is_locked(tracker: EventTracker, who: str) -> bool:
    """Tell whether an account is locked; if so, this is tracked."""
    if _refused[who] < LIMIT:
        return False
    tracker.track(AccountLocked(actor=who, refused=_refused[who]))
    return True
