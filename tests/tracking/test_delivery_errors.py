"""A DeliveryError reaches the application, once every plugin has had the event; nothing else that a plugin raises does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from otel_events import Event, EventTracker, hookimpl
from otel_events.exceptions import DeliveryError
from tests.tracking.hook_threads import HookThreads
from tests.tracking.test_tracker import AsyncRecorder, Raising, Recorder, Way, ways


@dataclass
class Ping(Event):
    name = "ping"


class Failing:
    """A receipt that raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def wait(self, timeout: float | None = None) -> None:
        raise self._error

    def __await__(self) -> Generator[Any, Any, None]:
        yield from asyncio.sleep(0).__await__()
        raise self._error


class Refusing:
    """A plugin that refuses at once."""

    def __init__(self, text: str = "the disk is full") -> None:
        self.error: Exception = DeliveryError(text)

    @hookimpl
    def track_event(self, event: Any) -> Any:
        raise self.error


class AsyncRefusing(Refusing):
    @hookimpl
    async def track_event(self, event: Any) -> None:
        await asyncio.sleep(0)
        raise self.error


class LateRefusing(Refusing):
    """A plugin whose receipt refuses."""

    @hookimpl
    def track_event(self, event: Any) -> Failing:
        return Failing(self.error)


refusing = pytest.mark.parametrize("refusing", [Refusing, AsyncRefusing, LateRefusing])


@pytest.fixture
def tracker() -> Iterator[EventTracker]:
    threads = HookThreads()
    tracker = EventTracker([Ping], hook_timeout_seconds=5.0)
    yield tracker
    tracker.shutdown(5.0)
    assert threads.now() == []


@ways
@refusing
@pytest.mark.parametrize("refusing_first", [True, False])
def test_it_reaches_the_application_and_the_others_have_the_event(
    tracker: EventTracker,
    way: Way,
    refusing: type[Refusing],
    refusing_first: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, others = refusing(), [Recorder(), AsyncRecorder(), Raising()]
    for plugin in (*others, one) if refusing_first else (one, *others):  # the latest is called first
        tracker.register(plugin, type(plugin).__name__)
    events = [Ping(), Ping()]
    for event in events:
        with pytest.raises(DeliveryError) as raised:
            way(tracker, event)
        assert raised.value is one.error
    assert [other.events for other in others if isinstance(other, Recorder)] == [events, events]
    assert tracker.stats()["hook_failures"] == {f"{refusing.__name__}: DeliveryError": 2, "Raising: ValueError": 2}
    # Each is said once; of what the application gets, no traceback.
    assert sorted(record.levelno for record in caplog.records) == [logging.WARNING, logging.ERROR]


@ways
def test_the_first_of_several_is_raised_and_all_are_handed_on(way: Way) -> None:
    handed: list[Exception] = []
    tracker = EventTracker([Ping], on_error=lambda error, event: handed.append(error))
    plugins = [Refusing("3"), LateRefusing("2"), Refusing("1")]
    for plugin in plugins:
        tracker.register(plugin)
    with pytest.raises(DeliveryError, match="1"):
        way(tracker, Ping())
    assert sorted(map(str, handed)) == ["1", "2", "3"]


@ways
@refusing
def test_a_kind_of_it_is_one_too(tracker: EventTracker, way: Way, refusing: type[Refusing]) -> None:
    class JournalFullError(DeliveryError):
        """One kind of many."""

    one = refusing()
    one.error = JournalFullError("full")
    tracker.register(one)
    with pytest.raises(JournalFullError):
        way(tracker, Ping())


@ways
def test_one_that_is_returned_and_not_raised_is_passed_over(tracker: EventTracker, way: Way) -> None:
    class Returning:
        @hookimpl
        def track_event(self, event: Any) -> Exception:
            return DeliveryError("only an object")

    tracker.register(Returning())
    way(tracker, Ping())
    assert tracker.stats()["hook_failures"] == {}


def test_from_a_flush_it_is_like_any_other(tracker: EventTracker) -> None:
    class Flushing:
        @hookimpl
        def flush(self, timeout: float) -> None:
            raise DeliveryError("no")

    tracker.register(Flushing(), "flushing")
    tracker.flush()
    assert tracker.stats()["hook_failures"] == {"flushing: DeliveryError": 1}
