"""The index is filled and the oldest deleted between requests, without being asked, and put off where that is not possible."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.receiver import compiled
from otel_events.receiver import upkeep as module
from otel_events.receiver.insertion import Insertion
from otel_events.receiver.retention import MIN_MAX_BYTES, Expired, Retention
from otel_events.receiver.rows import Rows
from otel_events.receiver.schema import open_writer, transaction
from otel_events.receiver.store import Store
from otel_events.receiver.upkeep import Upkeep
from tests.backends.wait import wait_until
from tests.receiver.rows import event
from tests.receiver.support import query

pytestmark = pytest.mark.usefixtures("each_kind")

FOUND = "SELECT count(*) FROM search WHERE search MATCH 'word'"


def test_new_events_are_found_soon(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "events.db")) as store:
        store.add([event(body="a word"), event(body="another")])
        wait_until(lambda: store.indexed_id == 2)
        assert query(store.path, FOUND) == [(1,)]


def test_what_was_not_indexed_when_a_process_died_is_indexed_when_the_file_is_opened_again(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "events.db")) as database, transaction(database):
        Insertion(database).add(Rows([event(body="a word") for _ in range(1_000)], []))
    with closing(Store(tmp_path / "events.db")) as store:
        assert store.indexed_id < 1_000
        wait_until(lambda: store.indexed_id == 1_000)
        assert query(store.path, FOUND) == [(1_000,)]


def test_closing_indexes_what_came_last(tmp_path: Path) -> None:
    store = Store(tmp_path / "events.db")
    store.add([event(body="a word")])
    store.close()
    assert query(store.path, FOUND) == [(1,)]


def test_pieces_fit_the_time_they_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_PIECE", 2)
    monkeypatch.setattr(module, "_SLICE_SECONDS", 1e-9)
    with closing(open_writer(tmp_path / "events.db")) as database:
        Insertion(database).add(Rows([event(body="a word") for _ in range(10)], []))
        upkeep = Upkeep(database, Retention())
        monkeypatch.setattr(module, "_CATCH_UP_SECONDS", 0.0)
        seen = []
        while upkeep.newest_indexed < 10:
            upkeep.run()
            seen.append(upkeep.newest_indexed)
    assert seen == [2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_a_store_stays_within_its_bounds_while_events_come_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Store(tmp_path / "events.db", retention=Retention(max_bytes=MIN_MAX_BYTES))) as store:
        for start in range(0, 60_000, 1_000):
            store.add(
                [event(f"{n}", received_ns=n, body=f"n{n % 100} " + "x" * 500) for n in range(start, start + 1_000)]
            )
        wait_until(lambda: store.indexed_id == 60_000 and sum(store.expired) + store.count() == 60_000)
        assert store.expired.events > 10_000
        wait_until(lambda: store.path.stat().st_size <= 1.1 * MIN_MAX_BYTES)
        [first, *_] = store.events(limit=1)
        assert (first.uid, store.newest_id) == (str(store.expired.events), 60_000)
        found = query(
            store.path, "SELECT count(*) FROM events WHERE id IN (SELECT rowid FROM search WHERE search MATCH 'n7')"
        )
        assert found == query(store.path, "SELECT count(*) FROM events WHERE body LIKE 'n7 %'")
    assert len([record for record in caplog.records if "its oldest events are deleted" in record.message]) == 1


def test_upkeep_that_fails_is_put_off_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Store(tmp_path / "events.db")) as store:
        store.add([event("1")])
        wait_until(lambda: store.indexed_id == 1)
        with closing(sqlite3.connect(store.path)) as other:
            other.execute("ALTER TABLE search RENAME TO hidden")
        with caplog.at_level(logging.WARNING):
            store.add([event("2")])
            wait_until(lambda: "is put off" in caplog.text)
        assert store.add([event("3")]).events == 1
        assert store.expired == Expired()


def test_where_many_wait_they_wait_for_more_until_there_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = {"INDEX_AFTER_SECONDS": 1e3, "_INDEX_MANY_AFTER_SECONDS": 1e6, "_MANY": 2, "_ENOUGH": 3}
    for name, value in {**constants, "_EXPIRE_AFTER_SECONDS": 1e9}.items():
        monkeypatch.setattr(module, name, value)
    with closing(open_writer(tmp_path / "events.db")) as database:
        upkeep = Upkeep(database, Retention())
        upkeep.run()
        waits = []
        for _ in range(3):
            with transaction(database):
                insertion = Insertion(database)
                insertion.add(Rows([event(body="a word")], []))
            upkeep.changed([insertion])
            waits.append(upkeep.wait_seconds())
        soon, later, now = waits
        if compiled.IS_COMPILED:
            assert 0 < soon <= 1e3 < later <= 1e6
            assert now == 0
        else:
            assert all(0 < wait <= 1e3 for wait in waits)
        upkeep.run()
        assert upkeep.newest_indexed == (3 if compiled.IS_COMPILED else 0)


def test_indexing_that_is_put_off_stays_so_whatever_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EXPIRE_AFTER_SECONDS", 1e3)
    monkeypatch.setattr(module, "_ENOUGH", 0)
    with closing(open_writer(tmp_path / "events.db")) as database:
        upkeep = Upkeep(database, Retention())
        upkeep.postpone()
        upkeep.changed([])
        assert upkeep.wait_seconds() > 0
