"""Arrivals are shown once each, and counted against what their uids say was tracked."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from otel_events.cli.arrivals import Arrivals, Numbers
from otel_events.receiver.rows import EventRow
from otel_events.receiver.store import Store
from otel_events.testing import START_NS, FixedStamper


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "events.db")
    yield store
    store.close()


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def arrivals(store: Store, shown: io.StringIO) -> Arrivals:
    return Arrivals(store, Console(file=shown, width=200))


def row(
    uid: str | None, name: str | None = "ping", *, observed_ns: int | None = START_NS, delay_ms: int = 250
) -> EventRow:
    empty = dict.fromkeys(EventRow._fields)
    given = {
        "uid": uid,
        "signal": "log" if observed_ns else "span_event",
        "name": name,
        "time_ns": START_NS,
        "observed_ns": observed_ns,
        "received_ns": START_NS + delay_ms * 1_000_000,
        "attributes": "{}",
        "resource": "{}",
        "dropped_attributes": 0,
    }
    return EventRow(**{**empty, **given})  # type: ignore[arg-type]


def uids(count: int) -> list[str]:
    stamped = FixedStamper().stamp().uid
    return [f"{stamped[:18]}{number:08d}" for number in range(count)]


def test_each_is_shown_once(store: Store, arrivals: Arrivals, shown: io.StringIO) -> None:
    assert not arrivals.show()
    store.add([row(uid) for uid in uids(2)])
    assert arrivals.show()
    assert shown.getvalue().count("ping") == 2
    assert not arrivals.show()
    assert shown.getvalue().count("ping") == 2


def test_what_was_in_the_store_before_is_not_shown(store: Store, shown: io.StringIO) -> None:
    store.add([row(uids(1)[0])])
    arrivals = Arrivals(store, Console(file=shown))
    assert not arrivals.show()
    assert arrivals.numbers(()).arrived == 0


def test_nothing_is_tracked_and_nothing_arrived_at_first(arrivals: Arrivals) -> None:
    assert arrivals.numbers(("ping",)) == Numbers(0, 0, {}, ("ping",), 0.0, 0.0)
    assert not arrivals.numbers(("ping",)).complete


def test_all_that_was_tracked_arrived(store: Store, arrivals: Arrivals) -> None:
    one, two, three = uids(3)
    store.add([row(one, delay_ms=10), row(two, "pong", delay_ms=20), row(three, delay_ms=90)])
    arrivals.show()
    numbers = arrivals.numbers(("ping", "pong"))
    assert numbers == Numbers(3, 3, {"ping": 2, "pong": 1}, (), 20.0, 90.0)
    assert numbers.complete


def test_a_gap_in_the_uids_is_an_event_that_was_lost(store: Store, arrivals: Arrivals) -> None:
    one, _, three = uids(3)
    store.add([row(one), row(three)])
    arrivals.show()
    numbers = arrivals.numbers(())
    assert (numbers.tracked, numbers.arrived, numbers.complete) == (3, 2, False)


def test_streams_are_counted_each_by_itself(store: Store, arrivals: Arrivals) -> None:
    first = uids(2)
    store.add([row(uid) for uid in (*first, *(f"{uid[:10]}ZZZZZZZZ{uid[18:]}" for uid in first))])
    arrivals.show()
    assert (arrivals.numbers(()).tracked, arrivals.numbers(()).arrived) == (4, 4)


def test_a_span_event_takes_its_time_from_its_uid(store: Store, arrivals: Arrivals) -> None:
    store.add([row(uids(1)[0], observed_ns=None, delay_ms=40)])
    arrivals.show()
    assert arrivals.numbers(()).median_ms == 40.0


@pytest.mark.parametrize("uid", [None, "", "not-a-ulid", "01kdvdna000000000000000001", "0" * 27])
def test_what_is_not_ours_is_shown_and_not_counted(
    store: Store, arrivals: Arrivals, shown: io.StringIO, uid: str
) -> None:
    store.add([row(uid)])
    arrivals.show()
    assert "ping" in shown.getvalue()
    assert arrivals.numbers(()).arrived == 0


def test_waiting_for_a_name_ends_when_it_is_there_or_the_time_is_up(store: Store, arrivals: Arrivals) -> None:
    before = time.monotonic()
    arrivals.show_until("logout", 0.05)
    assert 0.05 <= time.monotonic() - before < 5.0
    store.add([row(uids(1)[0], "logout")])
    before = time.monotonic()
    arrivals.show_until("logout", 60.0)
    assert time.monotonic() - before < 5.0
