"""`flush_on_return`: when a function has returned or raised, its events have been sent, and the flush is in nobody's way."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import otel_events
from otel_events import Event, EventTracker, Outcome, SettingsError, flush_on_return, hookimpl
from tests.backends.servers import Collector
from tests.direct.faulty import HttpReply, HttpServer


@dataclass
class Handled(Event):
    name = "handled"
    what: str


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


@pytest.fixture
def tracker(server: HttpServer) -> Iterator[EventTracker]:
    """Give a tracker that, left alone, would send nothing within the time of a test."""
    tracker = otel_events.configure(
        event_types=[Handled],
        pipeline="direct",
        endpoint=server.endpoint,
        environ={"OTEL_BLRP_SCHEDULE_DELAY": "600000"},
    )
    yield tracker
    tracker.shutdown(1.0)


def requests_with(server: HttpServer, what: str) -> int:
    return sum(what.encode() in request.body for request in server.requests)


def test_when_a_function_has_returned_its_events_are_sent(server: HttpServer, tracker: EventTracker) -> None:
    @flush_on_return(tracker)
    def handler(event: str, *, suffix: str = "!") -> str:
        """Handle."""
        tracker.track(Handled(event))
        assert not server.requests
        return event + suffix

    assert handler("in-time", suffix="?") == "in-time?"
    assert requests_with(server, "in-time") == 1
    assert (handler.__name__, handler.__doc__) == ("handler", "Handle.")
    assert list(inspect.signature(handler).parameters) == ["event", "suffix"]
    assert not inspect.iscoroutinefunction(handler)
    with pytest.raises(TypeError):
        handler()  # type: ignore[call-arg] # mypy would complain if it did not know


def test_a_real_collector_has_them(own_collector: Collector) -> None:
    tracker = otel_events.configure(
        event_types=[Handled],
        pipeline="direct",
        endpoint=own_collector.http_endpoint,
        service_name="serverless",
        environ={"OTEL_BLRP_SCHEDULE_DELAY": "600000"},
    )

    @flush_on_return(tracker, timeout=20.0)
    def handler(number: int) -> None:
        tracker.track(Handled(str(number)))

    for number in range(3):
        handler(number)
        assert tracker.flush(0.0) == Outcome(number + 1, 0, 0)
    tracker.shutdown()
    events = [record for record in own_collector.log_records("serverless") if record.event_name == "handled"]
    assert [record.attributes["tests.what"] for record in events] == ["0", "1", "2"]


def test_while_an_async_functions_events_are_sent_its_loop_goes_on(server: HttpServer, tracker: EventTracker) -> None:
    async def run() -> tuple[str, int]:
        threads: list[threading.Thread] = []
        turns = 0

        def find() -> EventTracker:
            threads.append(threading.current_thread())
            return tracker

        @flush_on_return(find)
        async def handler(event: str) -> str:
            await tracker.track_event(Handled(event))
            return event

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        turning = asyncio.ensure_future(turn())
        server.script(HttpReply(body=bytes(20), seconds_per_byte=0.01))
        assert inspect.iscoroutinefunction(handler)
        returned = await handler("later")
        turning.cancel()
        assert threads != [threading.current_thread()]
        return returned, turns

    returned, turns = asyncio.run(run())
    assert returned == "later"
    assert turns > 10
    assert requests_with(server, "later") == 1


def test_what_it_raises_passes_and_its_events_are_sent(server: HttpServer, tracker: EventTracker) -> None:
    @flush_on_return(tracker)
    def failing() -> None:
        tracker.track(Handled("failing"))
        raise KeyError("mine")

    @flush_on_return(tracker)
    async def failing_later() -> None:
        tracker.track(Handled("later"))
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        failing()
    assert requests_with(server, "failing") == 1
    with pytest.raises(KeyError, match="mine"):
        asyncio.run(failing_later())
    assert requests_with(server, "later") == 1


def test_a_cancelled_one_is_flushed_too(server: HttpServer, tracker: EventTracker) -> None:
    @flush_on_return(tracker)
    async def endless() -> None:
        tracker.track(Handled("cancelled"))
        await asyncio.Event().wait()

    async def run() -> None:
        task = asyncio.ensure_future(endless())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert requests_with(server, "cancelled") == 1


def test_async_functions_behind_a_decorator_or_in_an_object_are_flushed_when_they_are_done(
    server: HttpServer, tracker: EventTracker
) -> None:
    async def inner(what: str) -> str:
        await asyncio.sleep(0)
        tracker.track(Handled(what))
        return what

    @functools.wraps(inner)
    def hiding(what: str) -> Any:
        return inner(what)

    class Handler:
        async def __call__(self, what: str) -> str:
            return await inner(what)

    handlers: list[Callable[[str], Any]] = [hiding, Handler(), functools.partial(inner)]
    for number, handler in enumerate(handlers):
        assert asyncio.run(flush_on_return(tracker)(handler)(f"number-{number}")) == f"number-{number}"
        assert requests_with(server, f"number-{number}") == 1


def test_what_is_left_waiting_is_said_once_until_nothing_is(
    server: HttpServer, tracker: EventTracker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "otel_events")

    @flush_on_return(tracker, timeout=0.3)
    def handler() -> None:
        tracker.track(Handled("stuck"))

    @flush_on_return(tracker, timeout=20.0)
    def patient() -> None: ...

    def said() -> list[str]:
        return [message for record in caplog.records if "still waiting" in (message := record.getMessage())]

    server.default = HttpReply(503)
    for _ in range(3):
        handler()
    [line] = said()
    assert line.startswith("events of flush_on_return: 1 were still waiting after 0.3 s. They go on waiting")
    server.default = HttpReply()
    patient()
    handler()
    assert len(said()) == 1
    server.default = HttpReply(503)
    handler()
    assert len(said()) == 2
    server.default = HttpReply()


def test_a_tracker_may_be_made_later(server: HttpServer, tracker: EventTracker) -> None:
    made: list[EventTracker] = []

    @flush_on_return(lambda: made[0] if made else None)
    def handler() -> None:
        if made:
            made[0].track(Handled("made"))

    handler()
    made.append(tracker)
    handler()
    assert requests_with(server, "made") == 1


def test_the_flush_itself_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    def find() -> EventTracker:
        raise LookupError("no tracker here")

    @flush_on_return(find)
    def handler() -> int:
        return 1

    @flush_on_return(find)
    async def handler_later() -> int:
        return 2

    assert [handler(), handler(), asyncio.run(handler_later())] == [1, 1, 2]
    assert ["LookupError" in record.getMessage() for record in caplog.records] == [True, True]  # one for each function


def test_threads_that_are_all_at_work_hold_nobody_up(tracker: EventTracker, caplog: pytest.LogCaptureFixture) -> None:
    from concurrent.futures import ThreadPoolExecutor

    release = threading.Event()

    @flush_on_return(tracker, timeout=0.1)
    async def handler() -> int:
        return 1

    async def run() -> int:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, release.wait)
        try:
            return await handler()
        finally:
            release.set()
            await busy

    assert asyncio.run(run()) == 1
    assert [("no thread did the flush" in record.getMessage()) for record in caplog.records] == [True]


def test_a_plugin_without_counts_leaves_nothing_to_say(caplog: pytest.LogCaptureFixture) -> None:
    class Quiet:
        @hookimpl
        def flush(self, timeout: float) -> Outcome:
            assert timeout <= 2.0
            return Outcome(None, None, None)

    tracker = EventTracker()
    tracker.register(Quiet())
    flush_on_return(tracker)(time.monotonic)()
    assert not caplog.records


def test_a_generator_is_refused(tracker: EventTracker) -> None:
    def parts() -> Iterator[int]:
        yield 1

    async def parts_later() -> AsyncIterator[int]:
        yield 1

    for function in (parts, parts_later, functools.partial(parts)):
        with pytest.raises(SettingsError, match="a generator function, which returns before its body has run"):
            flush_on_return(tracker)(function)


def test_bad_arguments_are_refused(tracker: EventTracker) -> None:
    for bad in (None, "tracker", EventTracker):
        with pytest.raises(
            SettingsError, match=r"no EventTracker and no function .* otel_events.configure\(\) returned"
        ):
            flush_on_return(bad)  # type: ignore[arg-type] # that is what it shows
    for seconds in (0, -1.0, float("nan"), float("inf"), True, "2"):
        with pytest.raises(SettingsError, match="no number of seconds above 0 and up to 3600"):
            flush_on_return(tracker, timeout=seconds)  # type: ignore[arg-type]

    @flush_on_return  # type: ignore[arg-type]
    def handler(event: Any) -> None: ...

    with pytest.raises(SettingsError, match=r"dict is no function. Write @flush_on_return\(tracker\)"):
        handler({})  # type: ignore[arg-type]
