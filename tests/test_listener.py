"""The listener hands on what its settings include, at once, and whatever happens to an event it neither raises nor waits."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from otel_events import Event, EventTracker, OTelListener, Outcome, Receipt, Stamp, hookimpl, make_listener
from otel_events.exceptions import DeliveryError
from otel_events.settings import resolve
from otel_events.testing import FixedStamper


@dataclass
class Ping(Event):
    name = "ping"


class SomePipeline:
    """A pipeline that keeps what it gets."""

    def __init__(self) -> None:
        self.accepted: list[tuple[Any, Stamp]] = []
        self.calls: list[tuple[str, float]] = []

    def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
        self.accepted.append((event, stamp))
        return None

    def flush(self, timeout: float) -> Outcome:
        self.calls.append(("flush", timeout))
        return Outcome(1, 2, 3)

    def shutdown(self, timeout: float) -> Outcome:
        self.calls.append(("shutdown", timeout))
        return Outcome(4, 5, 6)

    def stats(self) -> Mapping[str, Any]:
        return {"log_records": len(self.accepted)}

    def healthy(self) -> bool:
        return not self.calls


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Listen on a port and never say anything."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield silent.getsockname()[1]


def listener(pipeline: SomePipeline | None = None, **arguments: Any) -> OTelListener:
    return OTelListener(resolve(arguments, {}), pipeline or SomePipeline(), stamper=FixedStamper())


def test_an_event_is_stamped_and_handed_on() -> None:
    pipeline, event = SomePipeline(), Ping()
    one = listener(pipeline)
    one.track_event(event)
    one.track_event(event)
    assert [accepted for accepted, _ in pipeline.accepted] == [event, event]
    assert [stamp.uid[18:] for _, stamp in pipeline.accepted] == ["00000001", "00000002"]
    assert one.stats() == {"accepted": 2, "stream": "00000000", "log_records": 2}


def test_it_has_a_stream_of_its_own_where_none_is_given() -> None:
    one, two = (OTelListener(resolve({}, {}), SomePipeline()) for _ in range(2))
    assert len(one.stats()["stream"]) == 8
    assert one.stats()["stream"] != two.stats()["stream"]


@pytest.mark.parametrize(
    ("include", "exclude", "accepted"),
    [
        (None, None, ["order-placed", "order-paid", "login", "Login"]),
        ("*", None, ["order-placed", "order-paid", "login", "Login"]),
        ("order-*", None, ["order-placed", "order-paid"]),
        ("login", None, ["login"]),
        ("order-*,login", "order-p[!l]*", ["order-placed", "login"]),
        (None, "order-*", ["login", "Login"]),
        ("login", "login", []),
        (["?ogin"], None, ["login", "Login"]),
    ],
)
def test_include_and_exclude_go_by_name(include: Any, exclude: Any, accepted: list[str]) -> None:
    @dataclass
    class Named:
        name: str
        created: str = ""

    pipeline = SomePipeline()
    one = listener(pipeline, include=include, exclude=exclude)
    for _ in range(2):  # the second time from memory
        for name in ("order-placed", "order-paid", "login", "Login"):
            assert one.track_event(Named(name)) is None
    assert [event.name for event, _ in pipeline.accepted] == accepted * 2
    excluded = 8 - len(pipeline.accepted)
    assert one.stats().get("excluded", 0) == excluded
    assert one.stats().get("accepted", 0) == len(pipeline.accepted)


class Unnamed:
    @property
    def name(self) -> str:
        raise RuntimeError("no name")


@pytest.mark.parametrize("event", [Unnamed(), None, object(), 5], ids=["raising", "None", "object", "int"])
def test_no_event_makes_it_raise(event: object, caplog: pytest.LogCaptureFixture) -> None:
    one = listener(include="ping")
    for _ in range(2):
        assert one.track_event(event) is None
    kind = "RuntimeError" if isinstance(event, Unnamed) else "AttributeError"
    assert one.stats()[f"failed.{kind}"] == 2
    [line] = caplog.records  # said once
    assert line.levelno == logging.ERROR
    assert line.getMessage() == (
        f"an event of class {type(event).__qualname__} was not handed on: {kind}. Further ones are counted in stats()."
    )


def test_a_pipeline_that_raises_is_counted_by_its_exception(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SomePipeline):
        def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
            raise [OSError, ValueError, OSError][len(self.calls) - 1]

    pipeline = Broken()
    one = listener(pipeline)
    for _ in range(3):
        pipeline.calls.append(("accept", 0.0))
        assert one.track_event(Ping()) is None
    assert one.stats()["failed.OSError"] == 2
    assert one.stats()["failed.ValueError"] == 1
    assert one.stats()["accepted"] == 3
    assert len(caplog.records) == 2


def test_a_delivery_error_is_for_the_application(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(SomePipeline):
        def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
            raise DeliveryError("the disk is full")

    one = listener(Refusing())
    with pytest.raises(DeliveryError, match="the disk is full"):
        one.track_event(Ping())
    assert [name for name in one.stats() if name.startswith("failed.")] == []
    assert caplog.records == []


def test_a_receipt_is_handed_back_and_not_waited_for() -> None:
    class Never:
        def wait(self, timeout: float | None = None) -> None:
            pytest.fail("the listener waits")

        def __await__(self) -> Generator[Any, Any, None]:
            yield

    receipt = Never()

    class Confirming(SomePipeline):
        def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
            return receipt

    assert listener(Confirming()).track_event(Ping()) is receipt


def test_it_returns_at_once_where_nothing_answers(silent_port: int) -> None:
    settings = resolve({"endpoint": f"http://127.0.0.1:{silent_port}", "signals": "logs,traces"}, {})
    one = make_listener(settings)
    one.track_event(Ping())  # which loads and starts the SDK
    before = time.monotonic()
    for _ in range(100):
        one.track_event(Ping())
    assert time.monotonic() - before < 2.0
    before = time.monotonic()
    outcome = one.shutdown(0.3)
    assert time.monotonic() - before < 5.0
    assert outcome.sent == 0


def test_flush_and_shutdown_are_the_pipelines() -> None:
    pipeline = SomePipeline()
    one = listener(pipeline)
    assert one.flush(1.5) == Outcome(1, 2, 3)
    assert one.shutdown(2.5) == Outcome(4, 5, 6)
    assert pipeline.calls == [("flush", 1.5), ("shutdown", 2.5)]


def test_its_health_is_the_pipelines() -> None:
    one = listener()
    assert one.healthy() is True
    one.shutdown(1.0)
    assert one.healthy() is False


def test_counts_are_exact_when_many_threads_track() -> None:
    one = listener(include="ping", exclude="pong")
    threads = [threading.Thread(target=lambda: [one.track_event(Ping()) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.stats()["accepted"] == one.stats()["log_records"] == 4_000


def test_it_comes_before_other_plugins_and_they_see_the_same_event() -> None:
    class Changing:
        @hookimpl
        def track_event(self, event: Any) -> None:
            order.append("plugin")

    class Noting(SomePipeline):
        def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
            order.append("listener")
            return None

    order: list[str] = []
    tracker = EventTracker([Ping])
    tracker.register(listener(Noting()), "otel")
    tracker.register(Changing())
    tracker.track(Ping())
    assert order == ["listener", "plugin"]
