"""The tables and views say what they promise, and the questions a page asks are answered from indexes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.receiver.insertion import Insertion
from otel_events.receiver.rows import EventRow, Rows
from otel_events.receiver.schema import open_writer
from otel_events.receiver.search import index_more
from otel_events.semconv import CHECKPOINT, LOG_RECORD_UID
from tests.receiver.rows import event

DAY_NS = 24 * 3600 * 10**9


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "events.db")) as connection:
        yield connection


def put(database: sqlite3.Connection, *rows: EventRow) -> None:
    Insertion(database).add(Rows(list(rows), []))
    index_more(database, 1_000_000)


def test_the_names_that_stand_in_sql_are_those_of_the_code(database: sqlite3.Connection) -> None:
    sql = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall())
    assert LOG_RECORD_UID in sql.pop("searched")
    assert set(sql) == {
        "events_per_day", "active_actors_per_day", "active_actors_per_week", "first_and_last_seen", "actors",
    }  # fmt: skip
    assert all(f"'{CHECKPOINT}'" in view for view in sql.values())


def test_the_views_count_by_day_by_week_by_name_and_by_actor(database: sqlite3.Connection) -> None:
    monday = 1_700_438_400 * 10**9  # 2023-11-20
    put(
        database,
        event("1", name="login", actor="alice", time_ns=monday - 1),
        event("2", name="login", actor="alice", time_ns=monday),
        event("3", name="logout", actor="alice", time_ns=monday + 6 * DAY_NS),
        event("4", name="login", actor="bob", time_ns=monday + 6 * DAY_NS),
        event("5", time_ns=monday),
        event("6", name=CHECKPOINT, actor="alice", time_ns=monday),
    )
    assert database.execute("SELECT * FROM events_per_day ORDER BY day, name").fetchall() == [
        ("2023-11-19", "login", 1),
        ("2023-11-20", None, 1),
        ("2023-11-20", "login", 1),
        ("2023-11-26", "login", 1),
        ("2023-11-26", "logout", 1),
    ]
    assert database.execute("SELECT * FROM active_actors_per_day ORDER BY day").fetchall() == [
        ("2023-11-19", 1, 1),
        ("2023-11-20", 1, 1),
        ("2023-11-26", 2, 2),
    ]
    assert database.execute("SELECT * FROM active_actors_per_week ORDER BY week").fetchall() == [
        ("2023-11-13", 1, 1),
        ("2023-11-20", 2, 3),
    ]
    assert database.execute("SELECT name, events, first, last FROM first_and_last_seen ORDER BY name").fetchall() == [
        (None, 1, "2023-11-20T00:00:00Z", "2023-11-20T00:00:00Z"),
        ("login", 3, "2023-11-19T23:59:59Z", "2023-11-26T00:00:00Z"),
        ("logout", 1, "2023-11-26T00:00:00Z", "2023-11-26T00:00:00Z"),
    ]
    assert database.execute("SELECT actor, events, first_ns, last_ns FROM actors ORDER BY actor").fetchall() == [
        ("alice", 3, monday - 1, monday + 6 * DAY_NS),
        ("bob", 1, monday + 6 * DAY_NS, monday + 6 * DAY_NS),
    ]


def test_times_at_both_ends_are_days(database: sqlite3.Connection) -> None:
    put(database, event("1", name="a", time_ns=0), event("2", name="b", time_ns=2**63 - 1))
    days = database.execute("SELECT day, name FROM events_per_day ORDER BY day").fetchall()
    assert days == [("1970-01-01", "a"), ("2262-04-11", "b")]


@pytest.mark.parametrize(
    "where",
    [
        "name = 'a'",
        "actor = 'a'",
        "service = 'a'",
        "time_ns > 5",
        "name = 'a' AND time_ns BETWEEN 5 AND 7",
        "actor = 'a' AND time_ns < 7",
    ],
)
def test_the_newest_of_anything_come_from_an_index_in_order(database: sqlite3.Connection, where: str) -> None:
    plan = database.execute(
        f"EXPLAIN QUERY PLAN SELECT * FROM events WHERE {where} ORDER BY time_ns DESC, id DESC LIMIT 100"
    ).fetchall()
    assert [step for *_, step in plan if step.startswith("SEARCH events USING INDEX")]
    # Only events of the same nanosecond are sorted.
    assert [step for *_, step in plan if "TEMP B-TREE" in step] == ["USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"]


def test_a_word_is_found_in_each_part_of_an_event(database: sqlite3.Connection) -> None:
    put(
        database,
        event("u-1", name="order-placed", actor="alice@example.com", service="shop", body="Café noir",
              attributes='{"log.record.uid":"u-1","a.key":"first value","n":17,"deep":{"k":["inner",true,null]}}'),
    )  # fmt: skip
    words = [
        "order-placed",
        "placed",
        "alice",
        "alice@example.com",
        "shop",
        "CAFE",
        "café noir",
        "value",
        "17",
        "inner",
    ]

    def found(words: list[str]) -> list[str]:
        query = "SELECT count(*) FROM events WHERE id IN (SELECT rowid FROM search WHERE search MATCH ?)"
        return [word for word in words if database.execute(query, (f'"{word}"',)).fetchone() == (1,)]

    assert found(words) == words
    assert found(["key", "deep", "u-1", "log", "missing", "placed order"]) == []


def test_the_search_index_is_merged_seldom(database: sqlite3.Connection) -> None:
    settings = dict(database.execute("SELECT k, v FROM search_config").fetchall())
    assert (settings["hashsize"], settings["automerge"], settings["crisismerge"]) == (4 * 1024 * 1024, 16, 64)
