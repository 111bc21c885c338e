"""`otel_events.testing`: events are captured with records that are the same in every run, and a missing one is explained."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated, Any

import pytest

import otel_events
from otel_events import Event, EventTracker, Personal, PluginError, Policy, Secret
from otel_events.testing import START_NS, CapturedEvents, FixedStamper


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    namespace = "shop"
    order_id: str
    total: Decimal = Decimal("9.99")
    pin: Annotated[str | None, Secret()] = None


@dataclass
class OrderCancelled(Event):
    """An order was cancelled."""

    name = "order-cancelled"
    message = "{order_id} was cancelled at {created}"
    order_id: str


@dataclass
class Foreign:
    """An event of another library: no subclass, and frozen in its ways."""

    order_id: str
    created: datetime = dataclasses.field(default_factory=lambda: datetime.now(timezone.utc))
    name: str = "foreign"


TYPES = [OrderPlaced, OrderCancelled, Foreign]


def test_captured_events_are_the_events_themselves_in_a_sequence() -> None:
    with CapturedEvents() as captured:
        tracker = captured.tracker(TYPES)
        assert not captured
        events = [OrderPlaced("o-1"), OrderCancelled("o-1"), OrderPlaced("o-2")]
        for event in events:
            tracker.track(event)
        assert list(captured) == events
        assert all(one is other for one, other in zip(captured, events, strict=True))
        assert len(captured) == 3
        assert captured[0] is events[0]
        assert captured[-2:] == events[1:]
        assert events[1] in captured
        assert captured.of(OrderPlaced) == [events[0], events[2]]
        assert captured.of(Foreign) == []
        assert captured.record(events[2]) is captured.records[2]
        with pytest.raises(LookupError, match="this OrderPlaced was not captured"):
            captured.record(OrderPlaced("o-1"))
        captured.clear()
        assert list(captured) == captured.records == []


def test_records_are_the_same_in_every_run() -> None:
    runs = []
    for _ in range(2):
        with CapturedEvents() as captured:
            tracker = captured.tracker(TYPES)
            tracker.track(OrderPlaced("o-1", actor="alice"))
            captured.stamper.now_ns += 1_500_000_000
            tracker.track(OrderCancelled("o-1"))
            tracker.track(Foreign("o-1"))
            runs.append(captured.records)
    assert runs[0] == runs[1]
    placed, cancelled, foreign = runs[0]
    assert placed == otel_events.LogRecord(
        event_name="order-placed",
        time_ns=START_NS,
        observed_ns=START_NS,
        severity_number=9,
        severity_text="INFO",
        body="order-placed by alice: order_id=o-1 total=9.99 pin=[redacted]",
        attributes={
            "log.record.uid": "01KDVDNA000000000000000001",
            "user.id": "alice",
            "shop.order_id": "o-1",
            "shop.total": "9.99",
            "shop.pin": "[redacted]",
        },
    )
    assert (cancelled.time_ns, cancelled.observed_ns) == (START_NS + 1_500_000_000,) * 2
    assert cancelled.body == "o-1 was cancelled at 2026-01-01T00:00:01+00:00"
    assert cancelled.attributes["log.record.uid"] == "01KDVDNBEW0000000000000002"
    assert foreign.time_ns == START_NS + 1_500_000_000


def test_events_keep_their_own_time_and_a_backfilled_one_keeps_it_in_its_record_too() -> None:
    before = datetime.now(timezone.utc)
    with CapturedEvents() as captured:
        tracker = captured.tracker(TYPES)
        tracker.track(OrderPlaced("new"))
        tracker.track(OrderPlaced("old", created=datetime(2020, 2, 29, tzinfo=timezone.utc)))
        tracker.track(OrderPlaced("naive", created=datetime(2020, 2, 29)))
        tracker.track(OrderPlaced("odd", created="yesterday"))  # type: ignore[arg-type]
    assert captured[0].created >= before
    assert [record.time_ns for record in captured.records] == [START_NS, *[1_582_934_400 * 10**9] * 2, 0]
    assert {record.observed_ns for record in captured.records} == {START_NS}


def test_uids_count_as_those_of_the_real_stamper_do() -> None:
    stamper = FixedStamper(0)
    uids = [stamper.stamp().uid for _ in range(33)]
    assert uids[0] == f"{1:026d}"
    assert uids[9].endswith("000A")
    assert uids[31].endswith("0010")
    assert uids == sorted(set(uids))


def test_the_actor_and_the_request_in_force_are_captured() -> None:
    with CapturedEvents() as captured:
        tracker = captured.tracker(TYPES)
        with otel_events.actor({"id": "alice", "name": "Alice"}), otel_events.request({"url.path": "/orders"}):
            tracker.track(OrderPlaced("o-1"))
    assert captured[0].actor == {"id": "alice", "name": "Alice"}
    assert captured.records[0].attributes["user.name"] == "Alice"
    assert captured.records[0].attributes["url.path"] == "/orders"


def test_the_policy_of_the_records_can_be_chosen() -> None:
    @dataclass
    class Mailed(Event):
        name = "mailed"
        namespace = "shop"
        to: Annotated[str, Personal()]

    with CapturedEvents(policy=Policy(personal="drop", actor="none")) as captured:
        captured.tracker([Mailed]).track(Mailed("alice@example.org", actor="alice"))
    assert captured.records[0].attributes == {"log.record.uid": "01KDVDNA000000000000000001"}


def test_an_attached_tracker_goes_on_with_what_it_does_and_is_let_go_at_the_end() -> None:
    seen: list[Any] = []

    class Plugin:
        @otel_events.hookimpl
        def track_event(self, event: Any) -> None:
            seen.append(event.order_id)

    application = EventTracker(TYPES)
    application.register(Plugin())
    with CapturedEvents() as captured:
        captured.attach(application)
        with pytest.raises(PluginError, match="registered already"):
            captured.attach(application)
        application.track(OrderPlaced("o-1"))
    application.track(OrderPlaced("o-2"))
    assert [event.order_id for event in captured] == ["o-1"]
    assert seen == ["o-1", "o-2"]


def test_two_captures_of_one_tracker_do_not_disturb_each_other() -> None:
    with CapturedEvents() as one, CapturedEvents() as other:
        tracker = one.tracker(TYPES)
        other.attach(tracker)
        tracker.track(OrderPlaced("o-1"))
        assert list(one) == list(other)
        assert len(one) == 1


def test_own_trackers_are_shut_down_at_the_end_with_their_plugins() -> None:
    ended = []

    class Plugin:
        @otel_events.hookimpl
        async def track_event(self, event: Any) -> None:
            await asyncio.sleep(0)

        @otel_events.hookimpl
        def shutdown(self, timeout: float) -> None:
            ended.append(timeout)

    threads = set(threading.enumerate())
    with CapturedEvents() as captured:
        captured.tracker(TYPES, plugins=[Plugin()]).track(OrderPlaced("o-1"))
    assert len(ended) == 1
    assert len(captured) == 1
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
        assert not thread.is_alive()


def test_it_captures_from_many_threads_and_from_asyncio() -> None:
    with CapturedEvents() as captured:
        tracker = captured.tracker(TYPES)

        def work() -> None:
            for _ in range(100):
                tracker.track(OrderPlaced("t"))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        async def run() -> None:
            await asyncio.gather(*(tracker.track_event(OrderPlaced("a")) for _ in range(100)))

        asyncio.run(run())
    assert len(captured) == 500
    uids = [str(record.attributes["log.record.uid"]) for record in captured.records]
    assert uids == sorted(set(uids))
    assert all(captured.record(event).attributes["shop.order_id"] == event.order_id for event in captured)


def test_assert_event_returns_the_first_event_that_fits() -> None:
    with CapturedEvents() as captured:
        tracker = captured.tracker(TYPES)
        for order_id, actor in (("o-1", "alice"), ("o-2", "bob"), ("o-2", "carol")):
            tracker.track(OrderPlaced(order_id, actor=actor))
        assert captured.assert_event(OrderPlaced) is captured[0]
        assert captured.assert_event(OrderPlaced, order_id="o-2") is captured[1]
        assert captured.assert_event(OrderPlaced, order_id="o-2", actor="carol") is captured[2]
        assert captured.assert_event(OrderPlaced, actor={"id": "bob"}, total=Decimal("9.990")) is captured[1]
        assert captured.assert_event(OrderPlaced, created=captured[1].created) is captured[1]


def failure(captured: CapturedEvents, event_type: type, **fields: Any) -> str:
    """Give the text with which an assertion fails, with all creation times as one."""
    with pytest.raises(AssertionError) as caught:
        captured.assert_event(event_type, **fields)
    return re.sub(r"created=\d{4}-\S+", "created=<then>", str(caught.value))


def test_a_failure_shows_what_was_looked_for_what_there_was_and_the_nearest_with_what_differs() -> None:
    with CapturedEvents() as captured:
        tracker = captured.tracker(TYPES)
        tracker.track(OrderPlaced("o-1", pin="1234"))
        tracker.track(OrderCancelled("o-2"))
        tracker.track(OrderPlaced("o-3", total=Decimal(1), actor={"id": "alice", "api_key": "s3cret"}))
    assert failure(captured, OrderPlaced, order_id="o-2", total=Decimal(1), pin="4321", actor="alice") == (
        """\
no OrderPlaced with order_id='o-2', total=Decimal('1'), pin=[redacted], actor={'id': 'alice'} was tracked.
3 tracked:
  [0] OrderPlaced(actor=None, created=<then> order_id='o-1', total=Decimal('9.99'), pin=[redacted])
  [1] OrderCancelled(actor=None, created=<then> order_id='o-2')
  [2] OrderPlaced(actor={'id': 'alice', 'api_key': [redacted]}, created=<then> order_id='o-3', total=Decimal('1'), pin=[redacted])
The nearest is [2]:
  ≠ order_id: 'o-3', expected 'o-2'
  = total: Decimal('1')
  ≠ pin: [redacted], which is not the value expected
  ≠ actor: {'id': 'alice', 'api_key': [redacted]}, expected {'id': 'alice'}"""
    )


def test_a_failure_without_candidates_says_what_there_was() -> None:
    with CapturedEvents() as captured:
        assert failure(captured, OrderPlaced) == (
            "no OrderPlaced was tracked.\n"
            "Nothing was tracked: there is no tracker to capture from; call tracker() or attach(tracker)."
        )
        tracker = captured.tracker(TYPES)
        assert failure(captured, OrderPlaced) == "no OrderPlaced was tracked.\nNothing was tracked."
        tracker.track(OrderCancelled("o-1"))
        assert failure(captured, OrderPlaced) == (
            "no OrderPlaced was tracked.\n1 tracked:\n  [0] OrderCancelled(actor=None, created=<then> order_id='o-1')"
        )


def test_a_failure_is_bounded() -> None:
    with CapturedEvents() as captured:
        tracker = captured.tracker(TYPES)
        for _ in range(1000):
            tracker.track(OrderPlaced("x" * 100_000))
        text = failure(captured, OrderPlaced, order_id="y" * 100_000)
    assert "1000 tracked:" in text
    assert "and 980 more" in text
    assert len(text) < 10_000
    assert len(repr(captured)) < 10_000


def test_a_field_that_the_class_does_not_have_is_an_error_of_the_test() -> None:
    with CapturedEvents() as captured, pytest.raises(TypeError) as caught:
        captured.assert_event(OrderPlaced, oder_id="o-1")
    assert str(caught.value) == "OrderPlaced has no field 'oder_id'; it has actor, created, order_id, total, pin"


def test_an_event_that_cannot_be_copied_is_captured_with_its_own_time(caplog: pytest.LogCaptureFixture) -> None:
    @dataclass
    class Stubborn(Event):
        name = "stubborn"

        def __copy__(self) -> Stubborn:
            raise NotImplementedError

    with CapturedEvents() as captured, caplog.at_level(logging.WARNING):
        captured.tracker([Stubborn]).track(Stubborn())
    assert captured.records[0].time_ns > START_NS
    assert captured.records[0].observed_ns == START_NS
    assert not caplog.records


def test_its_repr_is_that_of_a_list() -> None:
    with CapturedEvents() as captured:
        assert repr(captured) == "CapturedEvents([])"
        captured.tracker(TYPES).track(OrderCancelled("o-1", created=datetime(2026, 1, 2, tzinfo=timezone.utc)))
    assert repr(captured) == (
        "CapturedEvents([OrderCancelled(actor=None, created=2026-01-02T00:00:00+00:00, order_id='o-1')])"
    )
