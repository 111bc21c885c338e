"""What is kept for the search index is all that it lacks, or is given up; either way the index fits the table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_events.receiver import compiled, upkeep, waiting
from otel_events.receiver.insertion import Insertion
from otel_events.receiver.retention import KEEP_ALL
from otel_events.receiver.rows import EventRow, Rows
from otel_events.receiver.schema import open_writer, transaction
from otel_events.receiver.upkeep import Upkeep
from otel_events.receiver.values import json_text
from otel_events.receiver.waiting import Entries, Waiting
from tests.receiver.indexed import check
from tests.receiver.rows import event

needs_compiled = pytest.mark.skipif(
    not compiled.IS_COMPILED, reason="without the extension module nothing is kept for the index"
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "events.db")) as connection:
        yield connection


def worded(text: str, uid: str | None = None, **fields: Any) -> EventRow:
    return event(uid, attributes=json_text({"a": text, "n": [1.5, True, None]}), body=text, **fields)


def put(database: sqlite3.Connection, upkeep: Upkeep, *rows: EventRow) -> None:
    with transaction(database):
        insertion = Insertion(database)
        insertion.add(Rows([*rows], []))
    upkeep.changed([insertion])


def kept(*rows: EventRow) -> Entries:
    entries = Entries()
    entries.add(1, [*rows])
    return entries


@needs_compiled
def test_entries_are_what_the_index_takes() -> None:
    entries = kept(worded("red", name="login", actor="alice", service="shop"), worded("blue"))
    assert entries.take(1) == [(1, "login", "alice", "shop", "red", "red 1.5 1 ")]
    assert (len(entries), entries.take(5)[0][0], len(entries)) == (1, 2, 0)


@needs_compiled
@pytest.mark.parametrize(
    ("bound", "value"), [("MAX_EVENTS", 2), ("MAX_CHARACTERS", 30), ("_MAX_ATTRIBUTES_CHARACTERS", 10)]
)
def test_too_much_is_given_up(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    rows = [worded("red")] * 3
    assert kept(*rows).are_known
    monkeypatch.setattr(waiting, bound, value)
    entries = kept(*rows)
    assert (entries.are_known, len(entries)) == (False, 0)
    entries.add(4, rows)
    assert len(entries) == 0


@needs_compiled
def test_what_is_left_to_sqlite_is_given_up_with_the_others() -> None:
    entries = kept(worded("red"), event(attributes='{"a":1e300}'))
    assert not entries.are_known
    others = kept(worded("red"))
    others.extend(entries)
    assert not others.are_known


@needs_compiled
def test_nothing_is_kept_before_the_index_has_all_and_after_another_wrote(database: sqlite3.Connection) -> None:
    waits = Waiting(database)
    waits.add(kept(worded("red")))
    with transaction(database):
        assert waits.take(5) is None
        waits.begin()
    waits.add(kept(worded("red"), worded("blue")))
    with transaction(database):
        assert [entry[4] for entry in waits.take(1) or ()] == ["red"]
    with closing(sqlite3.connect(database.execute("PRAGMA database_list").fetchone()[2])) as other, other:
        other.execute("CREATE TABLE theirs (x)")
    with transaction(database):
        assert waits.take(1) is None


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.lists(
                st.builds(
                    worded,
                    st.text(max_size=8).filter(lambda text: "\0" not in text),
                    st.none() | st.sampled_from(["u1", "u2", "u3"]),
                    signal=st.sampled_from(["log", "span_event"]),
                ),
                min_size=1,
                max_size=3,
            ),
        ),
        st.tuples(st.just("index"), st.integers(1, 4)),
        st.tuples(st.just("write beside it"), st.just(None)),
        st.tuples(st.just("delete"), st.integers(1, 4)),
        st.tuples(st.just("fail"), st.just(None)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_the_index_fits_the_table(tmp_path: Path, steps: list[tuple[str, Any]]) -> None:
    path = tmp_path / "events.db"
    path.unlink(missing_ok=True)
    with closing(open_writer(path)) as database, pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "INDEX_AFTER_SECONDS", 0.0)
        patch.setattr(upkeep, "_CATCH_UP_SECONDS", 0.0)
        retention = KEEP_ALL
        kept_up = Upkeep(database, retention)
        kept_up.run()
        for kind, argument in steps:
            if kind == "put":
                put(database, kept_up, *argument)
            elif kind == "index":
                patch.setattr(kept_up, "_piece", argument)
                kept_up.catch_up()
            elif kind == "write beside it":
                with closing(open_writer(path)) as other:
                    put(other, Upkeep(other, retention), worded("theirs", "u1"), worded("theirs"))
            elif kind == "delete":
                patch.setattr("otel_events.receiver.retention._PIECE_ROWS", argument)
                patch.setattr("otel_events.receiver.retention._bound", lambda *_: 2**63)
                kept_up._expire()
            else:
                with closing(sqlite3.connect(path, isolation_level=None)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    database.execute("PRAGMA busy_timeout = 0")
                    with pytest.raises(sqlite3.OperationalError):
                        kept_up.catch_up()
                    other.execute("ROLLBACK")
        patch.setattr(kept_up, "_piece", 100)
        kept_up.catch_up()
        while kept_up.newest_indexed < database.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]:
            kept_up.catch_up()
        check(database)
