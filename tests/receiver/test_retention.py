"""The oldest goes first, by arrival; the file stays within its bound; nothing is deleted that is newer than what stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_events.exceptions import ReceiverError
from otel_events.receiver import retention as module
from otel_events.receiver.insertion import Insertion
from otel_events.receiver.retention import KEEP_ALL, MIN_MAX_BYTES, Expired, Retention, expire, shrink
from otel_events.receiver.rows import EventRow, Rows, SpanRow
from otel_events.receiver.schema import open_writer, transaction
from otel_events.receiver.search import index_more
from tests.receiver.rows import event, span

DAY_NS = 24 * 3600 * 10**9
NOW_NS = 1_700_000_000 * 10**9


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "events.db")) as connection:
        yield connection


def put(database: sqlite3.Connection, events: list[EventRow], spans: list[SpanRow] | None = None) -> None:
    with transaction(database):
        Insertion(database).add(Rows(events, spans or []))
        index_more(database, 1_000_000)


def expire_all(database: sqlite3.Connection, retention: Retention) -> Expired:
    total = Expired()
    with transaction(database):
        while any(step := expire(database, retention, NOW_NS)):
            total = Expired(total.events + step.events, total.spans + step.spans)
    return total


def kept(database: sqlite3.Connection, table: str = "events") -> list[int]:
    return [ns for (ns,) in database.execute(f"SELECT received_ns FROM {table} ORDER BY rowid")]


def used_bytes(database: sqlite3.Connection) -> int:
    [pages] = database.execute(
        "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count"
    ).fetchone()
    return int(pages) * 4096


def test_what_came_too_long_ago_is_deleted(database: sqlite3.Connection) -> None:
    ages = [10.5, 10.1, 9.9, 0.0]
    put(
        database,
        [event(str(age), received_ns=NOW_NS - int(age * DAY_NS), body="word") for age in ages],
        [span(f"{n:016x}", received_ns=NOW_NS - int(age * DAY_NS)) for n, age in enumerate(ages)],
    )
    assert expire_all(database, Retention(max_age_days=10)) == Expired(2, 2)
    assert [uid for (uid,) in database.execute("SELECT uid FROM events ORDER BY id")] == ["9.9", "0.0"]
    assert kept(database) == kept(database, "spans")
    assert database.execute("SELECT count(*) FROM search WHERE search MATCH 'word'").fetchone() == (2,)


def test_an_old_event_that_came_just_now_stays(database: sqlite3.Connection) -> None:
    put(database, [event("backfilled", time_ns=0, received_ns=NOW_NS)])
    assert expire_all(database, Retention(max_age_days=1)) == Expired()


def test_all_is_kept_where_that_is_said(database: sqlite3.Connection) -> None:
    put(database, [event("1", received_ns=0)], [span(received_ns=0)])
    assert expire_all(database, KEEP_ALL) == Expired()
    assert not shrink(database, KEEP_ALL)


def test_a_file_that_is_too_large_loses_its_oldest_until_it_is_not(database: sqlite3.Connection) -> None:
    for start in range(0, 30_000, 5_000):
        put(database, [event(f"{n}", received_ns=n, body="x" * 1_000) for n in range(start, start + 5_000)])
    assert used_bytes(database) > MIN_MAX_BYTES
    expired = expire_all(database, Retention(max_bytes=MIN_MAX_BYTES))
    assert 0.5 * MIN_MAX_BYTES < used_bytes(database) <= 0.9 * MIN_MAX_BYTES
    assert kept(database) == list(range(expired.events, 30_000))


def test_the_file_is_made_smaller_where_it_is_larger_than_its_bound(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    put(database, [event(f"{n}", received_ns=n, body="x" * 4_000) for n in range(6_000)])
    bound = Retention(max_bytes=MIN_MAX_BYTES)
    expire_all(database, bound)
    while shrink(database, bound):
        pass
    assert (tmp_path / "events.db").stat().st_size <= MIN_MAX_BYTES


TIMES = st.lists(st.integers(0, 5), max_size=12).map(sorted)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TIMES, TIMES, st.integers(0, 6), st.integers(1, 4))
def test_nothing_is_deleted_that_is_newer_than_what_is_kept(
    tmp_path: Path, events: list[int], spans: list[int], cutoff: int, piece: int
) -> None:
    (tmp_path / "events.db").unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch, closing(open_writer(tmp_path / "events.db")) as database:
        patch.setattr(module, "_PIECE_ROWS", piece)
        put(
            database,
            [event(str(n), received_ns=ns) for n, ns in enumerate(events)],
            [span(f"{n:016x}", received_ns=ns) for n, ns in enumerate(spans)],
        )
        both = sorted(events + spans)
        while any(expire(database, Retention(max_age_days=1), cutoff + DAY_NS)):
            left = sorted(kept(database) + kept(database, "spans"))
            gone = both[: len(both) - len(left)]
            assert gone + left == both
        assert kept(database) == [ns for ns in events if ns >= cutoff]
        assert kept(database, "spans") == [ns for ns in spans if ns >= cutoff]


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_an_age_that_is_not_possible_is_refused(days: float) -> None:
    with pytest.raises(ReceiverError, match=r"max_age_days is .*: give a number above 0, or None"):
        Retention(max_age_days=days)


@pytest.mark.parametrize("size", [0, -1, MIN_MAX_BYTES - 1])
def test_a_size_that_is_not_possible_is_refused(size: int) -> None:
    with pytest.raises(ReceiverError, match=r"max_bytes is .*16 MiB"):
        Retention(max_bytes=size)
