"""Counts by time, name and value are those that plain Python gives, and bars have round ends."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_events.page.counting import MAX_NAMES, bars, facets, histogram, time_span, total
from otel_events.page.search import parse
from otel_events.page.shape import severity_name
from otel_events.page.sql import Scope, clues, needs_search_index, where
from otel_events.receiver.rows import EventRow
from otel_events.semconv import CHECKPOINT
from tests.page import plain
from tests.page.support import SECOND, TIME_NS, database, event_row

DAY = 86_400 * SECOND

attributes = st.sampled_from((1, 1.5, "1", True, None, "a", ["a", 2], [[3]], {"x": "b"}))
rows = st.lists(
    st.builds(
        event_row,
        st.dictionaries(st.sampled_from(("k", 'odd "k"')), attributes),
        name=st.sampled_from((None, "a", "b", CHECKPOINT)),
        actor=st.sampled_from((None, "x", "y")),
        severity_number=st.sampled_from((None, 9, 10, 13, 99)),
        time_ns=st.integers(TIME_NS, TIME_NS + 9),
    ),
    max_size=12,
)
searches = st.sampled_from(("", "name:a", "-actor:x", "k:1", "k:a -name:b", "order", "body:placed k:*"))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rows, searches)
def test_they_are_those_of_plain_python(events: list[EventRow], text: str) -> None:
    search, scope = parse(text), Scope(TIME_NS + 1, TIME_NS + 8)
    found = [events[at - 1] for at in plain.found(search, scope, events)]
    with database(events) as connection:
        series = histogram(connection, where(search, scope), TIME_NS, 3, 3)
        counted = facets(connection, where(search, scope), ["name", "actor", "severity", "k", 'odd "k"', "trace"], 100)
        assert total(connection) == sum(row.name != CHECKPOINT for row in events)
    assert {
        (entry["name"], bar): count for entry in series for bar, count in enumerate(entry["counts"]) if count
    } == Counter((row.name, (row.time_ns - TIME_NS) // 3) for row in found)
    assert list(map(dict, counted)) == [
        Counter(row.name for row in found if row.name is not None),
        Counter(row.actor for row in found if row.actor is not None),
        Counter(severity_name(row.severity_number) for row in found if row.severity_number is not None),
        Counter(text for row in found for text in values(row, "k")),
        Counter(text for row in found for text in values(row, 'odd "k"')),
        Counter(),
    ]
    for facet in counted:
        assert [count for _, count in facet] == sorted((count for _, count in facet), reverse=True)


def values(row: EventRow, key: str) -> list[str]:
    return [
        item if isinstance(item, str) else json.dumps(item)
        for item in plain.items(row, key)
        if item is not None and not isinstance(item, (list, dict))
    ]


def test_the_most_frequent_names_have_a_series_and_the_others_share_one() -> None:
    events = [event_row(name=f"n{number:02}") for number in range(MAX_NAMES + 3) for _ in range(20 - number)]
    with database(events) as connection:
        *named, other = histogram(connection, where(()), TIME_NS, 10, 1)
    assert [entry["name"] for entry in named] == [f"n{number:02}" for number in range(MAX_NAMES)]
    assert other == {"name": None, "counts": [12 + 11 + 10], "other": True}


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    rows,
    searches,
    st.lists(st.sampled_from(("name", "actor", "service", "severity", "k", "trace")), min_size=1, max_size=5),
)
def test_values_are_counted_together_as_each_alone(events: list[EventRow], text: str, keys: list[str]) -> None:
    search = parse(text)
    with database(events, indexed=len(events) // 2) as connection:
        ways = [where(search)]
        if clues(search) and not needs_search_index(search):
            ways.append(where(search, indexed_id=len(events) // 2))
        alone = [facets(connection, ways[0], [key], 2)[0] for key in keys]
        for way in ways:
            assert facets(connection, way, keys, 2) == alone


@pytest.mark.parametrize(("text", "step"), [("order", "SCAN search "), ("k:1", "SCAN events")])
def test_what_takes_long_to_find_is_found_once_for_all_columns(text: str, step: str) -> None:
    asked: list[str] = []
    with database([event_row({"k": 1})]) as connection:
        connection.set_trace_callback(asked.append)
        facets(connection, where(parse(text)), ["name", "actor", "service", "severity"], 10)
        connection.set_trace_callback(None)
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}")]
    assert sum(detail.startswith(step) for detail in plan) == 1


def test_at_most_so_many_values_are_given() -> None:
    events = [event_row({"k": number % 7}, severity_number=number % 24 + 1) for number in range(48)]
    with database(events) as connection:
        by_value, by_severity = facets(connection, where(()), ["k", "severity"], 3)
    assert by_value == [("0", 7), ("1", 7), ("2", 7)]
    assert by_severity == [("TRACE", 8), ("DEBUG", 8), ("INFO", 8)]


def test_the_time_there_are_events_of() -> None:
    with database([]) as connection:
        assert time_span(connection) is None
    with database([event_row(time_ns=5), event_row(time_ns=9), event_row(time_ns=99, name=CHECKPOINT)]) as connection:
        assert time_span(connection) == (5, 9)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.integers(1, 500))
def test_bars_hold_the_time_and_are_no_more_than_asked_for(one: int, other: int, most: int) -> None:
    begin, end = sorted((one, other))
    first, width, number = bars(begin, end + 1, most)
    assert first <= begin
    assert first + number * width > end
    assert first + (number - 1) * width <= end
    assert 1 <= number <= most


def test_bars_have_round_ends() -> None:
    assert bars(TIME_NS + 3, TIME_NS + 60 * SECOND, 60) == (TIME_NS, SECOND, 60)
    assert bars(TIME_NS + 3, TIME_NS + DAY, 60) == (TIME_NS, 1_800 * SECOND, 48)
    assert bars(TIME_NS, TIME_NS + 30 * DAY, 60) == (TIME_NS, DAY // 2, 60)
    assert bars(TIME_NS, TIME_NS + 31 * DAY, 60) == (TIME_NS, DAY, 31)
    assert bars(7, 8, 60) == (7, 1, 1)
