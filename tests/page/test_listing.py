"""Events page by page: each once, in the order of time, however many happened at the same time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_events.page import listing
from otel_events.page.listing import Cursor, arrived, newest
from otel_events.page.search import parse
from otel_events.page.sql import Scope, where
from tests.page.support import TIME_NS, database, event_row


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(TIME_NS, TIME_NS + 3), max_size=12), st.integers(1, 5), st.sampled_from(("", "k:1")))
def test_the_pages_together_hold_each_event_once(times: list[int], limit: int, text: str) -> None:
    found = []
    with database([event_row({"k": 1}, time_ns=time) for time in times]) as connection:
        cursor: Cursor | None = None
        while True:
            rows, cursor = newest(connection, where(parse(text)), limit, cursor)
            assert len(rows) <= limit
            found += [(row["time_ns"], row["id"]) for row in rows]
            if cursor is None:
                break
            cursor = Cursor.parse(str(cursor))
    assert found == sorted(((time, number) for number, time in enumerate(times, 1)), reverse=True)


@pytest.mark.parametrize("text", ["", "1", "1-", "1-2-3", "-1-2", "9223372036854775808-1", "a-b", "1-2 "])
def test_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="is no cursor"):
        Cursor.parse(text)


def test_what_arrived_last_is_given_and_the_rest_counted() -> None:
    events = [event_row(time_ns=TIME_NS - number, name="a" if number % 2 else "b") for number in range(10)]
    with database(events) as connection:
        rows, count = arrived(connection, where(parse("name:a"), Scope(after_id=2, up_to_id=8)), 2)
    assert ([row["id"] for row in rows], count) == ([6, 8], 3)


def test_of_a_flood_only_the_newest_few_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_FLOOD", 4)
    monkeypatch.setattr(listing, "_OF_FLOOD", 1)
    with database([event_row() for _ in range(5)]) as connection:
        for up_to_id, ids in ((4, [4, 3, 2]), (5, [5])):
            rows, count = arrived(connection, where((), Scope(after_id=0, up_to_id=up_to_id)), 3)
            assert ([row["id"] for row in rows], count) == (ids, up_to_id)
