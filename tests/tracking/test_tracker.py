"""The tracker hands every event to every plugin, each on its own: none stops or delays the others or the application."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

import otel_events
from otel_events import (
    DeliveryError,
    Event,
    EventDefinitionError,
    EventTracker,
    Outcome,
    PluginError,
    UnregisteredEventError,
    hookimpl,
)
from tests.tracking.hook_threads import HookThreads


@dataclass
class Ping(Event):
    name = "ping"
    number: int = 0


@dataclass
class Pong(Event):
    name = "pong"


class Recorder:
    """A plugin that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @hookimpl
    def track_event(self, event: Any) -> None:
        self.events.append(event)


class AsyncRecorder(Recorder):
    @hookimpl
    async def track_event(self, event: Any) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.events.append(event)


class Raising:
    error: ClassVar[BaseException] = ValueError("boom")

    @hookimpl
    def track_event(self, event: Any) -> None:
        raise self.error


class AsyncRaising(Raising):
    @hookimpl
    async def track_event(self, event: Any) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        raise self.error


class AsyncCancelled(AsyncRaising):
    error = asyncio.CancelledError()


class Slow:
    """A plugin whose async implementation ends when it is told to."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.cancelled = threading.Event()
        self.go = threading.Event()
        self.done: list[Any] = []

    @hookimpl
    async def track_event(self, event: Any) -> None:
        self.started.set()
        try:
            while not self.go.is_set():
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.done.append(event)


Way = Callable[[EventTracker, Any], None]


def sync_way(tracker: EventTracker, event: Any) -> None:
    tracker.track(event)


def async_way(tracker: EventTracker, event: Any) -> None:
    asyncio.run(tracker.track_event(event))


def async_way_from_thread(tracker: EventTracker, event: Any) -> None:
    """Track from sync code while a loop runs in this thread, as a sync helper in an async application does."""

    async def application() -> None:
        tracker.track(event)

    asyncio.run(application())


ways = pytest.mark.parametrize("way", [sync_way, async_way, async_way_from_thread])


@pytest.fixture
def threads() -> HookThreads:
    return HookThreads()


@pytest.fixture
def tracker(threads: HookThreads) -> Iterator[EventTracker]:
    tracker = EventTracker([Ping], hook_timeout_seconds=5.0)
    yield tracker
    tracker.shutdown(5.0)
    assert threads.now() == []


# -- order and isolation -----------------------------------------------------------------------------------------------


@ways
@pytest.mark.parametrize("recorder_first", [True, False])
@pytest.mark.parametrize("recorder_class", [Recorder, AsyncRecorder])
@pytest.mark.parametrize("raising_class", [Raising, AsyncRaising, AsyncCancelled])
def test_one_that_raises_stops_neither_the_others_nor_the_application(
    tracker: EventTracker,
    way: Way,
    recorder_class: type[Recorder],
    raising_class: type[Raising],
    recorder_first: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder, raising = recorder_class(), raising_class()
    for plugin in (raising, recorder) if recorder_first else (recorder, raising):  # the latest is called first
        tracker.register(plugin, "recorder" if plugin is recorder else "raising")
    events = [Ping(number=number) for number in range(3)]
    for event in events:
        way(tracker, event)
    assert recorder.events == events
    kind = "RuntimeError" if raising_class is AsyncCancelled else "ValueError"
    assert tracker.stats() == {"tracked": 3, "hook_failures": {f"raising: {kind}": 3}}
    [line] = caplog.records  # said once
    assert line.levelno == logging.ERROR
    assert f"{raising_class.track_event.__qualname__} of plugin 'raising' raised {kind}" in line.getMessage()


@ways
def test_plugins_are_called_in_order_latest_first_unless_they_say_otherwise(tracker: EventTracker, way: Way) -> None:
    calls: list[str] = []

    def plugin(name: str, *, tryfirst: bool = False, trylast: bool = False) -> object:
        class Plugin:
            @hookimpl(tryfirst=tryfirst, trylast=trylast)
            def track_event(self, event: Any) -> None:
                calls.append(name)

        return Plugin()

    def async_plugin(name: str) -> object:
        class Plugin:
            @hookimpl
            async def track_event(self, event: Any) -> None:
                calls.append(name)

        return Plugin()

    tracker.register(plugin("first", tryfirst=True))
    tracker.register(async_plugin("async 1"))
    tracker.register(plugin("last", trylast=True))
    tracker.register(plugin("one"))
    tracker.register(async_plugin("async 2"))
    tracker.register(plugin("two"))
    way(tracker, Ping())
    assert calls == ["first", "two", "one", "last", "async 2", "async 1"]


@ways
def test_a_slow_one_does_not_delay_the_others(tracker: EventTracker, way: Way) -> None:
    slow = Slow()

    class Opening:
        @hookimpl(trylast=True)
        async def track_event(self, event: Any) -> None:
            slow.go.set()  # the slow one, which is before it, ends only when this one has run

    tracker.register(slow)
    tracker.register(Opening())
    event = Ping()
    way(tracker, event)
    assert slow.done == [event]
    assert tracker.stats()["hook_failures"] == {}


@ways
def test_what_one_returns_that_is_nothing_to_wait_for_is_passed_over(tracker: EventTracker, way: Way) -> None:
    class Returning(Recorder):
        @hookimpl
        def track_event(self, event: Any) -> Any:
            self.events.append(event)
            return "a text"

    returning = Returning()
    tracker.register(returning)
    way(tracker, Ping())
    assert len(returning.events) == 1
    assert tracker.stats()["hook_failures"] == {}


def test_tracking_inside_an_async_generator_of_the_application_works(tracker: EventTracker) -> None:
    recorder = AsyncRecorder()
    tracker.register(recorder)

    async def rows() -> AsyncIterator[int]:
        for number in range(3):
            await tracker.track_event(Ping(number=number))
            yield number

    async def application() -> list[int]:
        return [number async for number in rows()]

    assert asyncio.run(application()) == [0, 1, 2]
    assert [event.number for event in recorder.events] == [0, 1, 2]


@ways
def test_a_plugin_may_take_no_argument(tracker: EventTracker, way: Way) -> None:
    class Counting:
        count = 0

        @hookimpl
        def track_event(self) -> None:
            self.count += 1

    counting = Counting()
    tracker.register(counting)
    way(tracker, Ping())
    assert counting.count == 1


def test_on_error_is_handed_what_was_raised_and_the_event() -> None:
    handed: list[tuple[Exception, Any]] = []
    tracker = EventTracker([Ping], on_error=lambda error, event: handed.append((error, event)))
    tracker.register(Raising())
    event = Ping()
    tracker.track(event)
    tracker.track(event)
    assert handed == [(Raising.error, event)] * 2


def test_an_on_error_that_raises_is_logged_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def on_error(error: Exception, event: Any) -> None:
        raise RuntimeError("worse")

    tracker = EventTracker([Ping], on_error=on_error)
    recorder = Recorder()
    tracker.register(recorder)
    tracker.register(Raising())
    tracker.track(Ping())
    assert len(recorder.events) == 1
    assert "on_error itself raised" in caplog.text


# -- context, receipts, cancelling, time ---------------------------------------------------------------------------------


@ways
def test_async_implementations_run_in_the_context_of_the_caller(tracker: EventTracker, way: Way) -> None:
    actors: list[Any] = []

    class Asking:
        @hookimpl
        async def track_event(self, event: Any) -> None:
            await asyncio.sleep(0)
            actors.append((otel_events.current_actor(), dict(otel_events.current_request())))

    tracker.register(Asking())
    with otel_events.actor("alice"), otel_events.request({"client.address": "192.0.2.1"}):
        way(tracker, Ping())
    way(tracker, Ping())
    assert actors == [({"id": "alice"}, {"client.address": "192.0.2.1"}), (None, {})]


class SomeReceipt:
    """A receipt that remembers how it was waited for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.timeouts: list[float | None] = []
        self.awaited = 0
        self._error = error

    def wait(self, timeout: float | None = None) -> None:
        self.timeouts.append(timeout)
        if self._error is not None:
            raise self._error

    def __await__(self) -> Generator[Any, Any, None]:
        yield from asyncio.sleep(0).__await__()
        self.awaited += 1
        if self._error is not None:
            raise self._error


class Confirming:
    def __init__(self, receipt: object) -> None:
        self._receipt = receipt

    @hookimpl
    def track_event(self, event: Any) -> object:
        return self._receipt


def test_track_waits_for_a_receipt_no_longer_than_its_time(tracker: EventTracker) -> None:
    receipt = SomeReceipt()
    tracker.register(Confirming(receipt))
    tracker.track(Ping())
    [timeout] = receipt.timeouts
    assert timeout is not None
    assert 0 < timeout <= 5.0
    assert receipt.awaited == 0


def test_track_event_awaits_a_receipt(tracker: EventTracker) -> None:
    receipt = SomeReceipt()
    tracker.register(Confirming(receipt))
    asyncio.run(tracker.track_event(Ping()))
    assert (receipt.timeouts, receipt.awaited) == ([], 1)


def test_receipts_are_awaited_without_a_task_beside_what_else_there_is_to_await(tracker: EventTracker) -> None:
    tasks: list[int] = []

    class Looking(SomeReceipt):
        def __await__(self) -> Generator[Any, Any, None]:
            tasks.append(len(asyncio.all_tasks()))
            return super().__await__()

    receipts = [Looking(), Looking(OSError("disk full")), Looking()]
    for receipt in receipts:
        tracker.register(Confirming(receipt))
    asyncio.run(tracker.track_event(Ping()))
    assert tasks == [1, 1, 1]
    assert [receipt.awaited for receipt in receipts] == [1, 1, 1]

    recorder = AsyncRecorder()
    tracker.register(recorder)
    asyncio.run(tracker.track_event(Ping()))
    assert [receipt.awaited for receipt in receipts] == [2, 2, 2]
    assert len(recorder.events) == 1


def test_a_caller_that_is_cancelled_while_it_awaits_a_receipt_withdraws_nothing(tracker: EventTracker) -> None:
    class Unsettled:
        cancelled = False

        def wait(self, timeout: float | None = None) -> None: ...

        def __await__(self) -> Generator[Any, Any, None]:
            try:
                yield from asyncio.Event().wait().__await__()
            except asyncio.CancelledError:
                self.cancelled = True
                raise

    receipt, slow = Unsettled(), Slow()
    tracker.register(Confirming(receipt))
    tracker.register(slow)

    async def application() -> None:
        caller = asyncio.ensure_future(tracker.track_event(Ping()))
        while not slow.started.is_set():
            await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        slow.go.set()
        while not slow.done:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(application(), 10.0))
    assert receipt.cancelled
    assert not slow.cancelled.is_set()
    assert tracker.stats()["hook_failures"] == {}


@ways
def test_a_receipt_that_raises_is_counted(tracker: EventTracker, way: Way) -> None:
    tracker.register(Confirming(SomeReceipt(OSError("disk full"))), "confirming")
    way(tracker, Ping())
    assert tracker.stats()["hook_failures"] == {"confirming: OSError": 1}


@ways
def test_one_that_takes_too_long_is_cancelled_and_the_others_have_the_event(way: Way, threads: HookThreads) -> None:
    tracker = EventTracker([Ping], hook_timeout_seconds=0.05)
    slow, recorder = Slow(), AsyncRecorder()
    tracker.register(slow, "slow")
    tracker.register(recorder)
    before = time.monotonic()
    way(tracker, Ping())
    assert time.monotonic() - before < 5.0
    assert slow.cancelled.wait(5.0)
    assert len(recorder.events) == 1
    assert tracker.stats()["hook_failures"] == {"slow: TimeoutError": 1}
    tracker.shutdown()
    assert threads.now() == []


def test_an_async_one_that_blocks_does_not_hold_the_application_longer_than_the_time() -> None:
    release = threading.Event()

    class Blocking:
        @hookimpl
        async def track_event(self, event: Any) -> None:
            release.wait(60.0)

    tracker = EventTracker([Ping], hook_timeout_seconds=0.05)
    tracker.register(Blocking(), "blocking")
    before = time.monotonic()
    tracker.track(Ping())
    assert time.monotonic() - before < 10.0
    assert tracker.stats()["hook_failures"] == {"blocking: TimeoutError": 1}
    release.set()
    tracker.shutdown()


def test_several_receipts_share_the_time() -> None:
    class Never:
        def wait(self, timeout: float | None = None) -> None:
            assert timeout is not None
            time.sleep(timeout)

        def __await__(self) -> Generator[Any, Any, None]:
            yield

    tracker = EventTracker([Ping], hook_timeout_seconds=0.2)
    for _ in range(10):
        tracker.register(Confirming(Never()))
    before = time.monotonic()
    tracker.track(Ping())
    assert time.monotonic() - before < 1.0


def test_cancelling_the_caller_does_not_withdraw_the_event(tracker: EventTracker) -> None:
    slow, recorder = Slow(), Recorder()
    tracker.register(slow)
    tracker.register(recorder)
    event = Ping()

    async def application() -> None:
        caller = asyncio.ensure_future(tracker.track_event(event))
        while not slow.started.is_set():
            await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert slow.done == []
        slow.go.set()
        while not slow.done:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(application(), 10.0))
    assert (slow.done, recorder.events) == ([event], [event])
    assert not slow.cancelled.is_set()


@ways
def test_a_plugin_may_track_an_event_of_its_own(tracker: EventTracker, way: Way) -> None:
    tracker.register_event_types([Pong])

    class Answering:
        @hookimpl
        async def track_event(self, event: Any) -> None:
            if isinstance(event, Ping):
                tracker.track(Pong())
                await tracker.track_event(Pong())

    answering, recorder = Answering(), Recorder()
    tracker.register(answering)
    tracker.register(recorder)
    before = time.monotonic()
    way(tracker, Ping())
    assert time.monotonic() - before < 4.0  # it does not wait for itself
    assert [event.name for event in recorder.events] == ["ping", "pong", "pong"]
    assert tracker.stats()["hook_failures"] == {}


# -- threads -------------------------------------------------------------------------------------------------------------


def test_no_thread_is_started_before_an_async_implementation_needs_one(
    tracker: EventTracker, threads: HookThreads
) -> None:
    tracker.register(Recorder())
    tracker.track(Ping())
    asyncio.run(tracker.track_event(Ping()))
    tracker.flush()
    tracker.stats()
    assert threads.now() == []
    tracker.register(AsyncRecorder())
    asyncio.run(tracker.track_event(Ping()))
    assert threads.now() == []
    tracker.track(Ping())
    assert len(threads.now()) == 1
    tracker.shutdown()
    assert threads.now() == []


def test_many_threads_track_at_once_and_every_count_is_exact(tracker: EventTracker) -> None:
    number_of_threads, events_each = 8, 250
    recorder, async_recorder = Recorder(), AsyncRecorder()
    tracker.register(recorder)
    tracker.register(async_recorder)
    tracker.register(Raising(), "raising")
    logging.getLogger("otel_events").disabled = True
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [
            threading.Thread(target=lambda: list(map(tracker.track, map(Ping, range(events_each)))))
            for _ in range(number_of_threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(switch)
        logging.getLogger("otel_events").disabled = False
    total = number_of_threads * events_each
    assert len(recorder.events) == len(async_recorder.events) == total
    assert tracker.stats() == {"tracked": total, "hook_failures": {"raising: ValueError": total}}


# -- what is known -------------------------------------------------------------------------------------------------------


@ways
def test_an_unregistered_class_is_refused_with_the_call_that_registers_it(tracker: EventTracker, way: Way) -> None:
    recorder = Recorder()
    tracker.register(recorder)
    with pytest.raises(UnregisteredEventError) as refused:
        way(tracker, Pong())
    assert str(refused.value) == (
        f"{Pong.__module__}.Pong was tracked but is not registered. Register it: otel_events.configure(event_types=[Pong]), "
        "tracker.register_event_types([Pong]), or a plugin's register_events hook."
    )
    assert recorder.events == []
    assert tracker.stats()["tracked"] == 0


def test_a_plugin_brings_event_types_which_stay_when_it_goes(tracker: EventTracker) -> None:
    class Bringing(Recorder):
        @hookimpl
        def register_events(self) -> Iterable[type]:
            yield Ping  # which is registered already
            yield Pong

    bringing = Bringing()
    tracker.register(bringing)
    tracker.track(Pong())
    tracker.unregister(bringing)
    tracker.track(Pong())
    assert len(bringing.events) == 1
    with pytest.raises(PluginError, match="is not registered"):
        tracker.unregister(bringing)


def test_register_events_may_be_async_and_may_return_nothing(tracker: EventTracker) -> None:
    class Async:
        @hookimpl
        async def register_events(self) -> list[type]:
            return [Pong]

    class Nothing:
        @hookimpl
        def register_events(self) -> None:
            return None

    tracker.register(Async())
    tracker.register(Nothing())
    assert Pong in tracker.registry


def bring(*classes: Any) -> object:
    class Bringing(Recorder):
        @hookimpl
        def register_events(self) -> Any:
            return classes

    return Bringing()


def test_a_plugin_whose_event_type_clashes_is_not_half_registered(tracker: EventTracker) -> None:
    @dataclass
    class OtherPing(Event):
        name = "ping"

    clashing = bring(Pong, OtherPing)
    with pytest.raises(EventDefinitionError, match="are both named 'ping'"):
        tracker.register(clashing)
    assert Pong not in tracker.registry
    tracker.track(Ping())
    assert clashing.events == []  # type: ignore[attr-defined]
    tracker.register(bring(Pong))  # the names are free again


def test_a_check_refuses_a_class_of_a_plugin() -> None:
    def check(definition: Any) -> None:
        if definition.name == "pong":
            raise EventDefinitionError("no pong here")

    tracker = EventTracker([Ping], check=check)
    plugin = bring(Pong)
    with pytest.raises(EventDefinitionError, match="no pong here"):
        tracker.register(plugin)
    assert len(tracker.registry) == 1


@pytest.mark.parametrize("brought", [RuntimeError("no database"), 5])
def test_a_plugin_whose_register_events_fails_is_refused(tracker: EventTracker, brought: Any) -> None:
    class Failing(Recorder):
        @hookimpl
        def register_events(self) -> Any:
            if isinstance(brought, Exception):
                raise brought
            return brought

    failing = Failing()
    with pytest.raises(PluginError, match=r"plugin 'failing': its register_events gave no classes: \w+Error: "):
        tracker.register(failing, "failing")
    tracker.track(Ping())
    assert failing.events == []


def test_a_plugin_that_cannot_work_is_not_called(tracker: EventTracker) -> None:
    class Misspelt(Recorder):
        @hookimpl
        def track_evnet(self, event: Any) -> None: ...

    misspelt = Misspelt()
    with pytest.raises(PluginError, match="'track_evnet', which is no hook"):
        tracker.register(misspelt)
    tracker.track(Ping())
    assert misspelt.events == []


def test_an_unregistered_plugin_gets_nothing_more(tracker: EventTracker) -> None:
    one, two = Recorder(), Recorder()
    tracker.register(one)
    tracker.register(two)
    tracker.track(Ping())
    tracker.unregister(one)
    tracker.track(Ping())
    assert (len(one.events), len(two.events)) == (1, 2)


# -- entry points --------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install packages with plugins, as pip would lay them out; and forget their modules afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(package: str, entry_points: dict[str, str], **modules: str) -> None:
        info = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[otel_events]", *lines]))
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()

    yield install
    for name in set(sys.modules) - before:
        del sys.modules[name]


PLUGIN = """
import otel_events
events = []
@otel_events.hookimpl
def track_event(event):
    events.append(event)
"""


def test_plugins_of_installed_packages_are_loaded_by_an_explicit_call(
    tracker: EventTracker, site: Callable[..., None]
) -> None:
    site("shop-audit", {"audit": "shop_audit_plugin"}, shop_audit_plugin=PLUGIN)
    site("shop-stats", {"stats-plugin": "shop_stats_plugin"}, shop_stats_plugin=PLUGIN)
    tracker.track(Ping())
    assert "shop_audit_plugin" not in sys.modules
    assert sorted(tracker.load_entrypoints()) == ["audit", "stats-plugin"]
    assert tracker.load_entrypoints() == []
    tracker.track(Ping())
    assert len(sys.modules["shop_audit_plugin"].events) == len(sys.modules["shop_stats_plugin"].events) == 1


def test_a_plugin_that_was_registered_by_hand_is_not_loaded_twice(
    tracker: EventTracker, site: Callable[..., None]
) -> None:
    site("shop-audit", {"audit": "shop_audit_plugin"}, shop_audit_plugin=PLUGIN)
    plugin = importlib.import_module("shop_audit_plugin")
    tracker.register(plugin)
    assert tracker.load_entrypoints() == []
    tracker.track(Ping())
    assert len(plugin.events) == 1


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "import no_such_module_anywhere",
            (
                "plugin 'audit' of shop-audit (shop_audit_plugin) cannot be imported: ModuleNotFoundError: "
                "No module named 'no_such_module_anywhere'. Mend or uninstall the package."
            ),
        ),
        (PLUGIN.replace("track_event(", "trakc("), "plugin 'audit' implements 'trakc', which is no hook."),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_named(
    tracker: EventTracker, site: Callable[..., None], source: str, text: str
) -> None:
    site("shop-audit", {"audit": "shop_audit_plugin"}, shop_audit_plugin=source)
    with pytest.raises(PluginError) as refused:
        tracker.load_entrypoints()
    assert str(refused.value).startswith(text)
    tracker.track(Ping())  # the application may go on without it


def test_two_packages_with_a_plugin_of_one_name_are_a_mistake_that_is_said(
    tracker: EventTracker, site: Callable[..., None]
) -> None:
    site("shop-audit", {"audit": "shop_audit_plugin"}, shop_audit_plugin=PLUGIN)
    site("bank-audit", {"audit": "bank_audit_plugin"}, bank_audit_plugin=PLUGIN)
    with pytest.raises(PluginError, match="there is a plugin 'audit' already"):
        tracker.load_entrypoints()


# -- flush, shutdown, stats ----------------------------------------------------------------------------------------------


class Ending(Recorder):
    """A plugin with all hooks."""

    def __init__(self, outcome: Any = None) -> None:
        super().__init__()
        self.outcome = outcome
        self.calls: list[tuple[str, float]] = []

    @hookimpl
    def flush(self, timeout: float) -> Any:
        self.calls.append(("flush", timeout))
        return self.outcome

    @hookimpl
    def shutdown(self, timeout: float) -> Any:
        self.calls.append(("shutdown", timeout))
        return self.outcome

    @hookimpl
    def stats(self) -> Any:
        return {"sent": 5}


class AsyncEnding(Ending):
    @hookimpl
    async def flush(self, timeout: float) -> Any:
        await asyncio.sleep(0)
        return super().flush(timeout)

    @hookimpl
    async def shutdown(self, timeout: float) -> Any:
        await asyncio.sleep(0)
        return super().shutdown(timeout)

    @hookimpl
    async def stats(self) -> Any:
        await asyncio.sleep(0)
        return super().stats()


def test_outcomes_are_added_up_and_plugins_may_be_async(tracker: EventTracker, threads: HookThreads) -> None:
    plugins = [Ending(Outcome(3, 1, 0)), AsyncEnding(Outcome(4, 0, 2)), Ending(None), Recorder()]
    for number, plugin in enumerate(plugins):
        tracker.register(plugin, f"plugin {number}")
    assert tracker.flush(2.0) == Outcome(7, 1, 2)
    assert tracker.stats() == {
        "tracked": 0,
        "hook_failures": {},
        "plugin 0": {"sent": 5},
        "plugin 1": {"sent": 5},
        "plugin 2": {"sent": 5},
    }
    assert tracker.shutdown(2.0) == Outcome(7, 1, 2)
    assert threads.now() == []
    for plugin in plugins[:3]:
        assert isinstance(plugin, Ending)
        (first, flush_timeout), (second, shutdown_timeout) = plugin.calls
        assert (first, second) == ("flush", "shutdown")
        assert 0 < flush_timeout <= 2.0
        assert 0 < shutdown_timeout <= 2.0


def test_without_plugins_nothing_was_sent_and_nothing_lost(tracker: EventTracker) -> None:
    assert tracker.flush() == tracker.shutdown() == Outcome(0, 0, 0)


def test_a_sum_is_unknown_where_one_of_its_parts_is(tracker: EventTracker) -> None:
    tracker.register(Ending(Outcome(3, None, 0)))
    tracker.register(Ending(Outcome(4, 1, None)))
    assert tracker.flush() == Outcome(7, None, None)


def test_the_time_is_shared_by_all_plugins(tracker: EventTracker) -> None:
    class Slow(Ending):
        @hookimpl
        def flush(self, timeout: float) -> Any:
            time.sleep(0.05)
            return super().flush(timeout)

    slow, last = Slow(), Ending()
    tracker.register(last)
    tracker.register(slow)
    tracker.flush(0.05)
    assert last.calls == [("flush", 0.0)]


def test_an_async_flush_that_hangs_is_waited_for_no_longer_than_the_time(tracker: EventTracker) -> None:
    class Hanging(Ending):
        @hookimpl
        async def flush(self, timeout: float) -> Any:
            await asyncio.sleep(3600)

    tracker.register(Hanging(), "hanging")
    tracker.register(Ending(Outcome(1, 0, 0)))
    before = time.monotonic()
    assert tracker.flush(0.05) == Outcome(1, 0, 0)
    assert time.monotonic() - before < 5.0
    assert tracker.stats()["hook_failures"] == {"hanging: TimeoutError": 1}


def test_one_that_raises_at_the_end_stops_no_other(tracker: EventTracker) -> None:
    class Failing(Recorder):
        @hookimpl
        def flush(self, timeout: float) -> Any:
            raise OSError

        @hookimpl
        def shutdown(self, timeout: float) -> Any:
            raise OSError

        @hookimpl
        def stats(self) -> Any:
            raise OSError

    tracker.register(Ending(Outcome(1, 0, 0)), "before")
    tracker.register(Failing(), "failing")
    tracker.register(Ending(Outcome(1, 0, 0)), "after")
    assert tracker.flush() == Outcome(2, 0, 0)
    stats = tracker.stats()
    assert stats["before"] == stats["after"] == {"sent": 5}
    assert "failing" not in stats
    assert tracker.shutdown() == Outcome(2, 0, 0)
    assert tracker.stats()["hook_failures"] == {"failing: OSError": 4}


@pytest.mark.parametrize(
    ("answers", "healthy"),
    [
        ([], True),
        ([True], True),
        ([None, True], True),
        ([True, False], False),
        ([False, True], False),
        ([True, ValueError("no")], False),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_it_is_healthy_where_no_plugin_says_otherwise(
    tracker: EventTracker, answers: list[Any], healthy: bool, asynchronous: bool
) -> None:
    class Answering:
        def __init__(self, answer: Any) -> None:
            self._answer = answer

        @hookimpl
        def healthy(self) -> Any:
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

    class AsyncAnswering(Answering):
        @hookimpl
        async def healthy(self) -> Any:
            await asyncio.sleep(0)
            return super().healthy()

    tracker.register(Recorder())
    for answer in answers:
        tracker.register((AsyncAnswering if asynchronous else Answering)(answer))
    assert tracker.healthy() is healthy
    raised = any(isinstance(answer, Exception) for answer in answers)
    assert [*tracker.stats()["hook_failures"].values()] == [1] * raised
    tracker.shutdown()
    assert tracker.healthy() is False


def test_a_second_shutdown_ends_nothing_again_and_returns_the_same(tracker: EventTracker) -> None:
    ending = Ending(Outcome(1, 0, 0))
    tracker.register(ending)
    results: list[Outcome] = []
    workers = [threading.Thread(target=lambda: results.append(tracker.shutdown())) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [Outcome(1, 0, 0)] * 5
    assert [name for name, _ in ending.calls] == ["shutdown"]


@ways
def test_what_is_tracked_after_the_shutdown_reaches_no_track_event_and_is_counted(
    tracker: EventTracker, way: Way, threads: HookThreads, caplog: pytest.LogCaptureFixture
) -> None:
    recorder, async_recorder = Recorder(), AsyncRecorder()
    tracker.register(recorder)
    tracker.register(async_recorder)
    tracker.shutdown()
    way(tracker, Ping())
    way(tracker, Ping())
    assert recorder.events == async_recorder.events == []
    assert tracker.stats() == {"tracked": 2, "after_shutdown": 2, "hook_failures": {}}
    assert threads.now() == []
    assert [line.getMessage() for line in caplog.records] == [
        "an event was tracked after the tracker's shutdown, so no plugin delivers it. Said once; see stats()."
    ]


@ways
def test_what_is_tracked_after_the_shutdown_is_shown_to_those_who_ask(tracker: EventTracker, way: Way) -> None:
    seen: list[Any] = []

    class Late(Recorder):
        @hookimpl
        def late_event(self, event: Any) -> None:
            seen.append(event)

    class Strict:
        @hookimpl
        async def late_event(self, event: Any) -> None:
            raise DeliveryError("too late")

    late = Late()
    tracker.register(late)
    way(tracker, Ping())
    assert (len(late.events), seen) == (1, [])
    tracker.shutdown()
    way(tracker, last := Ping())
    assert (len(late.events), seen) == (1, [last])
    tracker.register(Strict())
    with pytest.raises(DeliveryError, match="too late"):
        way(tracker, Ping())
    tracker.stats()  # ends the thread that an async implementation has started again


def test_stats_are_there_after_the_shutdown_and_a_flush_has_nothing_to_do(
    tracker: EventTracker, threads: HookThreads
) -> None:
    plugin = AsyncEnding(Outcome(1, 0, 0))
    tracker.register(plugin, "plugin")
    tracker.shutdown()
    assert tracker.flush() == Outcome(1, 0, 0)
    assert [name for name, _ in plugin.calls] == ["shutdown"]
    assert tracker.stats() == {"tracked": 0, "plugin": {"sent": 5}, "hook_failures": {}}
    assert threads.now() == []


def test_a_track_that_waits_while_another_thread_shuts_down_returns(tracker: EventTracker) -> None:
    slow = Slow()
    tracker.register(slow, "slow")
    worker = threading.Thread(target=lambda: tracker.track(Ping()))
    worker.start()
    assert slow.started.wait(5.0)
    tracker.shutdown()
    worker.join(4.0)
    assert not worker.is_alive()
    assert slow.cancelled.is_set()


def test_trackers_do_not_know_each_other() -> None:
    one, two = EventTracker([Ping]), EventTracker([Pong])
    recorder = Recorder()
    one.register(recorder)
    two.register(recorder)
    one.track(Ping())
    with pytest.raises(UnregisteredEventError):
        two.track(Ping())
    one.shutdown()
    two.track(Pong())
    assert [event.name for event in recorder.events] == ["ping", "pong"]


def test_awaitables_of_every_kind_are_awaited(tracker: EventTracker) -> None:
    done: list[str] = []

    async def work(what: str) -> None:
        done.append(what)

    class Task:
        @hookimpl
        def track_event(self, event: Any) -> Awaitable[None]:
            return asyncio.ensure_future(work("task"))

    class Coroutine:
        @hookimpl
        def track_event(self, event: Any) -> Awaitable[None]:
            return work("coroutine")

    tracker.register(Task())
    tracker.register(Coroutine())
    asyncio.run(tracker.track_event(Ping()))
    assert sorted(done) == ["coroutine", "task"]
