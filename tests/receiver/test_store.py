"""The store keeps one row an event, merges what two signals bring of the same event, and wakes those who wait."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.receiver.insertion import Added
from otel_events.receiver.rows import EventRow
from otel_events.receiver.store import Store
from tests.receiver.rows import event, span
from tests.receiver.support import SPAN_ID, TRACE_ID, query

pytestmark = pytest.mark.usefixtures("each_kind")

OTHER_TRACE_ID = "0" * 31 + "1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "events.db")
    yield opened
    opened.close()


def test_an_event_comes_back_as_it_was_stored(store: Store) -> None:
    row = event("u1", name="order-placed", attributes='{"n":9007199254740993}', resource='{"service.name":"shop"}')
    assert store.add([row]) == Added(events=1)
    [stored] = store.events()
    assert stored.attributes == {"n": 9007199254740993}
    assert stored.resource == {"service.name": "shop"}
    assert stored.time == "2018-12-13T14:51:00.300Z"
    for column in EventRow._fields:
        if column not in ("attributes", "resource"):
            assert getattr(stored, column) == getattr(row, column)


def test_the_same_uid_is_one_row_within_a_batch_and_across_batches(store: Store) -> None:
    assert store.add([event("u1", name="first"), event("u1", name="second")]) == Added(events=1, repeated=1)
    assert store.add([event("u1", name="third")]) == Added(repeated=1)
    assert [stored.name for stored in store.events()] == ["first"]


def test_events_without_a_uid_are_never_taken_for_the_same(store: Store) -> None:
    assert store.add([event(), event()]) == Added(events=2)
    assert store.add([event()]) == Added(events=1)
    assert store.count() == 3


LOG = event("u1", body="Order placed", severity_number=9, received_ns=20)
SPAN_EVENT = event("u1", signal="span_event", name="x", trace_id=TRACE_ID, span_id=SPAN_ID, received_ns=10)


@pytest.mark.parametrize("order", [[LOG, SPAN_EVENT], [SPAN_EVENT, LOG]])
def test_a_log_record_and_its_span_event_are_one_row_with_the_logs_data_and_the_link(
    store: Store, order: list[EventRow]
) -> None:
    assert [store.add([row]) for row in order] == [Added(events=1), Added(merged=1)]
    [stored] = store.events()
    assert (stored.signal, stored.body, stored.severity_number, stored.name) == ("log", "Order placed", 9, None)
    assert (stored.trace_id, stored.span_id) == (TRACE_ID, SPAN_ID)
    assert stored.received_ns == order[0].received_ns


@pytest.mark.parametrize("log_first", [True, False])
def test_the_logs_own_trace_link_stands(store: Store, log_first: bool) -> None:
    log = LOG._replace(trace_id=OTHER_TRACE_ID)
    store.add([log, SPAN_EVENT] if log_first else [SPAN_EVENT, log])
    [stored] = store.events()
    assert (stored.trace_id, stored.span_id) == (OTHER_TRACE_ID, None)


def test_a_span_that_comes_again_is_one_row(store: Store) -> None:
    assert store.add([], [span(), span("0" * 15 + "1")]) == Added(spans=2)
    assert store.add([], [span()]) == Added()


def test_a_batch_that_fails_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.add([event("u1"), event("u2", signal="metric")])
    assert store.count() == 0
    assert store.add([event("u1")]) == Added(events=1)


def test_pages_follow_each_other(store: Store) -> None:
    store.add([event(name=str(number)) for number in range(5)])
    first = store.events(limit=3)
    second = store.events(after_id=first[-1].id, limit=3)
    assert [stored.name for stored in first + second] == ["0", "1", "2", "3", "4"]
    assert second[-1].id == store.newest_id
    assert store.events(after_id=store.newest_id) == []


def test_an_id_is_not_used_again_after_its_event_was_deleted(tmp_path: Path, store: Store) -> None:
    store.add([event()])
    query_and_commit = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
    query_and_commit.execute("DELETE FROM events")
    query_and_commit.close()
    store.add([event()])
    assert [stored.id for stored in store.events()] == [2]


def test_waiting_ends_when_something_new_comes(store: Store) -> None:
    assert store.wait_for_new(0, timeout=0.0) is False
    seen: list[bool] = []
    waiter = threading.Thread(target=lambda: seen.append(store.wait_for_new(0, timeout=30.0)))
    waiter.start()
    store.add([event()])
    waiter.join(30.0)
    assert seen == [True]
    assert store.wait_for_new(0, timeout=0.0) is True
    assert store.wait_for_new(1, timeout=0.0) is False


def test_closing_wakes_those_who_wait(store: Store) -> None:
    seen: list[bool] = []
    waiter = threading.Thread(target=lambda: seen.append(store.wait_for_new(0, timeout=30.0)))
    waiter.start()
    store.close()
    waiter.join(30.0)
    assert seen == [False]


def test_a_closed_store_is_one_file_that_can_be_read_but_not_written(tmp_path: Path, store: Store) -> None:
    store.add([event("u1")])
    store.close()
    store.close()
    assert [stored.uid for stored in store.events()] == ["u1"]
    assert [file.name for file in tmp_path.iterdir()] == ["events.db"]
    with pytest.raises(sqlite3.Error):
        store.add([event()])


def test_a_reopened_store_goes_on_where_it_was(tmp_path: Path, store: Store) -> None:
    store.add([event("u1")])
    store.close()
    again = Store(tmp_path / "events.db")
    try:
        assert again.newest_id == 1
        assert again.add([event("u1"), event("u2")]) == Added(events=1, repeated=1)
    finally:
        again.close()


def test_threads_that_write_at_once_lose_nothing(store: Store) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            store.add([event(f"{writer}-{number}"), event(f"shared-{number}")])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    assert store.count() == 4 * 10 + 10


def test_attributes_can_be_asked_in_sql(tmp_path: Path, store: Store) -> None:
    store.add([event(attributes=json.dumps({"shop.total": 2.5})), event(attributes=json.dumps({"shop.total": 4.0}))])
    sql = "SELECT sum(json_extract(attributes, '$.\"shop.total\"')) FROM events"
    assert query(tmp_path / "events.db", sql) == [(6.5,)]


def test_checkpoints_are_kept_and_are_no_events(tmp_path: Path) -> None:
    with contextlib.closing(Store(tmp_path / "events.db")) as store:
        added = store.add([event(name="otel_events.checkpoint"), event("u1", name="login")])

        assert (added.events, store.count()) == (1, 1)
        assert [event.name for event in store.events()] == ["login"]
        store.add([event(name="otel_events.checkpoint")])
        assert store.newest_id == store.events()[-1].id
    with contextlib.closing(sqlite3.connect(tmp_path / "events.db")) as file:
        assert file.execute("SELECT count(*) FROM events").fetchone() == (3,)
    with contextlib.closing(Store(tmp_path / "events.db")) as again:
        assert again.newest_id == again.events()[-1].id
