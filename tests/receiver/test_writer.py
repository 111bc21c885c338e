"""Batches are committed together, answered when they are on disk, and fail alone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.receiver.insertion import Added
from otel_events.receiver.rows import Rows
from otel_events.receiver.store import Store
from tests.backends.wait import wait_until
from tests.receiver.rows import event
from tests.receiver.support import query


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "events.db")) as opened:
        yield opened


def rows(*uids: str) -> list[Rows]:
    return [Rows([event(uid) for uid in uids], [])]


class Held:
    """Pieces of a batch that let the writer wait until they are released."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()

    def __iter__(self) -> Iterator[Rows]:
        self.begun.set()
        assert self.released.wait(30.0)
        yield from rows("held")


def test_batches_that_wait_together_are_one_transaction(store: Store, tmp_path: Path) -> None:
    commits: list[int] = []
    held = Held()
    first = store.submit(held)
    assert held.begun.wait(30.0)
    others = [store.submit(rows(f"u{number}")) for number in range(20)]
    for future in others:
        future.add_done_callback(
            lambda _: commits.append(query(tmp_path / "events.db", "SELECT count(*) FROM events")[0][0])
        )
    held.released.set()
    assert first.result(30.0) == Added(events=1)
    assert [future.result(30.0) for future in others] == [Added(events=1)] * 20
    assert commits[0] == 21


def test_what_was_answered_can_be_read_by_others(store: Store, tmp_path: Path) -> None:
    for number in range(5):
        store.submit(rows(f"u{number}")).result(30.0)
        assert query(tmp_path / "events.db", "SELECT count(*) FROM events") == [(number + 1,)]


def test_a_batch_whose_pieces_fail_is_undone_alone(store: Store) -> None:
    def broken() -> Iterator[Rows]:
        yield from rows("half")
        raise ValueError("cut off")

    held = Held()
    first = store.submit(held)
    failing, other = store.submit(broken()), store.submit(rows("other"))
    held.released.set()
    assert first.result(30.0) == other.result(30.0) == Added(events=1)
    with pytest.raises(ValueError, match="cut off"):
        failing.result(30.0)
    assert [stored.uid for stored in store.events()] == ["held", "other"]


def test_a_batch_the_database_refuses_is_undone_alone(store: Store) -> None:
    held = Held()
    first = store.submit(held)
    refused, other = store.submit([Rows([event("bad", signal="metric")], [])]), store.submit(rows("other"))
    held.released.set()
    assert first.result(30.0) == other.result(30.0) == Added(events=1)
    with pytest.raises(sqlite3.IntegrityError):
        refused.result(30.0)
    assert store.count() == 2


def test_a_batch_that_nobody_waits_for_any_more_is_left_out(store: Store) -> None:
    held = Held()
    first = store.submit(held)
    assert held.begun.wait(30.0)
    cancelled, other = store.submit(rows("cancelled")), store.submit(rows("other"))
    assert cancelled.cancel()
    held.released.set()
    assert first.result(30.0) == other.result(30.0) == Added(events=1)
    assert [stored.uid for stored in store.events()] == ["held", "other"]


def test_while_another_process_holds_the_file_nothing_is_lost_in_silence(store: Store, tmp_path: Path) -> None:
    store._connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            store.submit(rows("u1")).result(30.0)
        other.execute("ROLLBACK")
    assert store.submit(rows("u1")).result(30.0) == Added(events=1)


def test_a_full_disk_fails_those_who_wait_and_nobody_later(store: Store) -> None:
    store.submit(rows("u1")).result(30.0)
    wait_until(lambda: store.indexed_id == 1)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.submit([Rows([event(f"f{n}", body="x" * 1000) for n in range(1000)], [])]).result(30.0)
    store._connection.execute("PRAGMA max_page_count = 1000000").fetchall()
    assert store.submit(rows("u2")).result(30.0) == Added(events=1)
    assert [stored.uid for stored in store.events()] == ["u1", "u2"]


def test_closing_stores_what_was_submitted_and_refuses_what_comes_later(store: Store) -> None:
    futures = [store.submit(rows(f"u{number}")) for number in range(50)]
    store.close()
    assert [future.result(0) for future in futures] == [Added(events=1)] * 50
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        store.submit(rows("late")).result(0)
    assert store.count() == 50
