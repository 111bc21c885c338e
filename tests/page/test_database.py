"""Questions to the database: read-only, each on one state of it, ended when they take too long, and no connection left open."""

from __future__ import annotations

import contextvars
import gc
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.page.database import Database, TooSlowError, nobody_waits
from otel_events.receiver import Store
from tests.page.support import event_row

FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "it is%20here?.db")
    store.add([event_row()])
    yield store
    store.close()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM events", "CREATE TABLE t (c)", "CREATE TEMP TABLE t (c)", "DROP TABLE events"]
)
def test_nothing_can_be_written(store: Store, statement: str) -> None:
    database = Database(store.path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.ask(lambda connection: connection.execute(statement))
    assert database.ask(lambda connection: connection.execute("SELECT count(*) FROM events").fetchone()[0]) == 1
    database.close()


def test_a_question_that_takes_too_long_is_ended(store: Store) -> None:
    database = Database(store.path, max_seconds=0.05)
    with pytest.raises(TooSlowError, match=r"longer than 0.05 s and was ended\. Narrow it"):
        database.ask(lambda connection: connection.execute(FOREVER).fetchone())
    assert database.ask(lambda connection: connection.execute("SELECT 1").fetchone()[0]) == 1
    database.close()


def test_a_question_is_ended_when_nobody_waits(store: Store) -> None:
    database = Database(store.path)
    gone = threading.Event()

    def ask() -> None:
        nobody_waits.set(gone)
        with pytest.raises(TooSlowError):
            database.ask(lambda connection: gone.set() or connection.execute(FOREVER).fetchone())  # type: ignore[func-returns-value]

    contextvars.copy_context().run(ask)
    database.close()


def test_the_statements_of_a_question_see_one_state(store: Store) -> None:
    def question(connection: sqlite3.Connection) -> list[int]:
        counts = []
        for _ in range(2):
            counts.append(connection.execute("SELECT count(*) FROM events").fetchone()[0])
            store.add([event_row()])
        return counts

    database = Database(store.path)
    assert database.ask(question) == [1, 1]
    assert database.ask(question) == [3, 3]
    database.close()


def test_connections_are_used_again_and_closed(store: Store) -> None:
    database = Database(store.path)
    seen: list[sqlite3.Connection] = []
    for _ in range(3):
        database.ask(seen.append)
    assert len(set(map(id, seen))) == 1

    together = threading.Barrier(2)

    def meet(connection: sqlite3.Connection) -> None:
        seen.append(connection)
        together.wait(10.0)

    threads = [threading.Thread(target=database.ask, args=(meet,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, seen))) == 2
    database.close()
    database.close()
    database.ask(seen.append)
    for connection in seen:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    gc.collect()
