"""Each hook exists with its argument, and an implementation of each is called with it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import pytest

from otel_events import Event, EventTracker, Outcome, hookimpl, hookspecs
from otel_events.tracking.plugins import HOOKS


@dataclass
class Ping(Event):
    name = "ping"


class Everything:
    """A plugin that implements every hook and notes each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    @hookimpl
    def register_events(self) -> list[type]:
        self.calls.append(("register_events", None))
        return [Ping]

    @hookimpl
    def track_event(self, event: Any) -> None:
        self.calls.append(("track_event", event))

    @hookimpl
    def late_event(self, event: Any) -> None:
        self.calls.append(("late_event", event))

    @hookimpl
    def flush(self, timeout: float) -> Outcome:
        self.calls.append(("flush", timeout))
        return Outcome(1, 0, 0)

    @hookimpl
    def shutdown(self, timeout: float) -> Outcome:
        self.calls.append(("shutdown", timeout))
        return Outcome(1, 0, 0)

    @hookimpl
    def stats(self) -> dict[str, int]:
        self.calls.append(("stats", None))
        return {"seen": 1}

    @hookimpl
    def healthy(self) -> bool:
        self.calls.append(("healthy", None))
        return True


def test_every_hook_is_called() -> None:
    plugin = Everything()
    tracker = EventTracker()
    tracker.register(plugin, "everything")
    event = Ping()
    tracker.track(event)
    assert tracker.stats()["everything"] == {"seen": 1}
    assert tracker.healthy()
    assert tracker.flush(2.0) == tracker.shutdown(2.0) == Outcome(1, 0, 0)
    tracker.track(late := Ping())
    assert [name for name, _ in plugin.calls] == [
        "register_events", "track_event", "stats", "healthy", "flush", "shutdown", "late_event"
    ]  # fmt: skip
    assert {name for name, _ in plugin.calls} == set(HOOKS)
    assert dict(plugin.calls)["track_event"] is event
    assert dict(plugin.calls)["late_event"] is late


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_in_a_sentence_what_it_is(hook: str) -> None:
    spec = getattr(hookspecs, hook)
    assert spec.__doc__.strip().endswith(".")
    arguments = list(inspect.signature(spec).parameters)
    expected = {"event": {"track_event", "late_event"}, "timeout": {"flush", "shutdown"}}
    assert arguments == [argument for argument, hooks in expected.items() if hook in hooks]


def test_the_project_is_the_group_of_entry_points() -> None:
    assert hookspecs.PROJECT == hookimpl.project_name == "otel_events"
