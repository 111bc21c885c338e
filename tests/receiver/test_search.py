"""The full-text index holds what the table holds, through additions in pieces, changes and removals."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_events.receiver import search
from otel_events.receiver.insertion import Insertion
from otel_events.receiver.rows import Rows
from otel_events.receiver.schema import open_writer, transaction
from tests.receiver.indexed import check
from tests.receiver.rows import event


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "events.db")) as connection:
        yield connection


def put(database: sqlite3.Connection, *bodies: str) -> None:
    Insertion(database).add(Rows([event(body=body) for body in bodies], []))


def found(database: sqlite3.Connection, word: str) -> list[int]:
    rows = database.execute("SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid", (f'"{word}"',))
    return [event_id for (event_id,) in rows]


def test_events_get_into_the_index_in_pieces(database: sqlite3.Connection) -> None:
    put(database, "one red", "two red", "three red")
    assert found(database, "red") == []
    assert [search.index_more(database, 2) for _ in range(3)] == [2, 1, 0]
    assert found(database, "red") == [1, 2, 3]
    assert search.newest_indexed(database) == 3
    check(database)


def test_removed_events_are_not_found_and_others_are(database: sqlite3.Connection) -> None:
    put(database, "one red", "two red", "three red")
    search.index_more(database, 2)
    search.remove(database, [1, 3, 99])
    database.execute("DELETE FROM events WHERE id IN (1, 3)")
    assert found(database, "red") == [2]
    assert search.index_more(database, 10) == 0
    check(database)


def test_after_the_newest_were_deleted_nothing_is_indexed_twice(database: sqlite3.Connection) -> None:
    put(database, "one", "two")
    search.index_more(database, 10)
    search.remove(database, [1, 2])
    database.execute("DELETE FROM events")
    put(database, "three")
    assert search.index_more(database, 10) == 1
    assert found(database, "three") == [3]
    check(database)


def test_the_log_records_text_takes_the_place_of_its_span_events(database: sqlite3.Connection) -> None:
    span_event = event("u1", signal="span_event", body="early")
    Insertion(database).add(Rows([span_event], []))
    search.index_more(database, 10)
    Insertion(database).add(Rows([event("u1", body="late")], []))
    assert (found(database, "early"), found(database, "late")) == ([], [1])
    check(database)


def test_a_change_before_it_is_indexed_is_what_is_indexed(database: sqlite3.Connection) -> None:
    Insertion(database).add(Rows([event("u1", signal="span_event", body="early"), event("u1", body="late")], []))
    search.index_more(database, 10)
    assert (found(database, "early"), found(database, "late")) == ([], [1])
    check(database)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(st.text(max_size=20), min_size=1, max_size=3)),
        st.tuples(st.just("index"), st.integers(1, 4)),
        st.tuples(st.just("delete"), st.sets(st.integers(1, 12), max_size=4)),
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_the_index_fits_the_table(tmp_path: Path, steps: list[tuple[str, object]]) -> None:
    (tmp_path / "events.db").unlink(missing_ok=True)
    with closing(open_writer(tmp_path / "events.db")) as database:
        for kind, argument in steps:
            with transaction(database):
                if kind == "put":
                    put(database, *(text.replace("\0", "") for text in argument))  # type: ignore[attr-defined]
                elif kind == "index":
                    search.index_more(database, argument)  # type: ignore[arg-type]
                else:
                    ids = sorted(argument)  # type: ignore[call-overload]
                    search.remove(database, ids)
                    database.executemany("DELETE FROM events WHERE id = ?", [(event_id,) for event_id in ids])
        while search.index_more(database, 100):
            pass
        check(database)
