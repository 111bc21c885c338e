"""A search as SQL finds what plain Python finds, and no search that can be typed makes SQL that does not run."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_events.page.listing import newest
from otel_events.page.search import (
    Clause,
    Compares,
    Equals,
    Present,
    Search,
    SearchError,
    Term,
    Words,
    has_a_word,
    parse,
)
from otel_events.page.sql import COLUMNS, Scope, clues, needs_search_index, where
from otel_events.receiver.rows import EventRow
from otel_events.semconv import CHECKPOINT
from tests.page import plain
from tests.page.support import TIME_NS, database, event_row

EVERYWHERE = Scope()
KEYS = ("app.total", "k", "a.b", 'odd "key"', "back\\slash", ":", ",x", "é", "{", "[", "tab\t", "log.record.uid", "")
TEXTS = (
    "lamp", "floor lamp", "Lamp", "lam", "é", "", "true", "10", "10.0", " 1e1 ", "-1", "1", "1x",
    "{", '":"', 'a"b\\c', "%", "base64:AQ==",
)  # fmt: skip
WORDS = ("lamp", "floor", "order-placed", "floor lamp", "É", "1", "la")
NUMBERS = (0, 1, 10, -1, 9, 13, 10.0, 0.5, 2**53 + 1, 2.0**53, 1e300, float("inf"))

texts = st.sampled_from(TEXTS) | st.text(max_size=3)
scalars = st.none() | st.booleans() | st.integers(-20, 20) | st.sampled_from((2**53 + 1, 0.5, 10.0, -1.5)) | texts
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=2), max_leaves=4
)
identifiers = st.none() | st.sampled_from(("lamp", "Lamp", "order-placed", "alice", "é", "10", "floor lamp"))
rows = st.lists(
    st.builds(
        event_row,
        st.dictionaries(keys, values, max_size=4),
        name=identifiers | st.just(CHECKPOINT),
        actor=identifiers,
        service=identifiers,
        body=st.none() | st.sampled_from(("a floor lamp", "lamp", "É", "10 1", "Lamps")),
        time_ns=st.integers(TIME_NS, TIME_NS + 3),
        severity_number=st.none() | st.integers(0, 25),
        severity_text=st.none() | st.sampled_from(("WARN", "Notice", "warning")),
        trace_id=st.none() | st.sampled_from(("5b8efff798038103d269b633813fc60c", "5b" * 16)),
    ),
    max_size=8,
)

terms: st.SearchStrategy[Term] = st.one_of(
    st.builds(Words, st.sampled_from(WORDS), st.booleans()),
    st.builds(Equals, st.just("body"), st.sampled_from(WORDS), st.booleans()),
    st.builds(Equals, keys, texts, st.booleans()),
    st.builds(
        Equals, st.sampled_from(("name", "actor", "service")), st.sampled_from(("lamp", "é", "10", "")), st.booleans()
    ),
    st.builds(
        Equals, st.just("severity"), st.sampled_from(("warn", "W", "13", "notice", "warning", "")), st.booleans()
    ),
    st.builds(Equals, st.just("trace"), st.sampled_from(("5B", "5b" * 16, "x")), st.booleans()),
    st.builds(Present, keys | st.sampled_from(sorted(COLUMNS))),
    st.builds(
        Compares,
        keys | st.sampled_from(("severity", "name", "body")),
        st.sampled_from((">", ">=", "<", "<=")),
        st.sampled_from(NUMBERS),
    ),
)
searches = st.lists(st.builds(Clause, terms, st.booleans(), st.just(0), st.just(0)), max_size=3).map(tuple)
ids = st.none() | st.integers(0, 8)
times = st.none() | st.integers(TIME_NS - 1, TIME_NS + 4)
scopes = st.builds(Scope, times, times, ids, ids)


def found(connection: sqlite3.Connection, search: Search, scope: Scope = EVERYWHERE) -> list[int]:
    page, following = newest(connection, where(search, scope), 100, None)
    assert following is None
    return [row["id"] for row in page]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rows, st.lists(st.tuples(searches, scopes), min_size=1, max_size=10))
def test_it_finds_what_plain_python_finds(events: list[EventRow], asked: list[tuple[Search, Scope]]) -> None:
    with database(events) as connection:
        for search, scope in asked:
            assert found(connection, search, scope) == plain.found(search, scope, events)


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_led_by_the_search_index_it_finds_the_same_however_far_that_is(part: float) -> None:
    odd = (10, 1, True, 10.0, None, ["x", "lamp"], [10], {"k": "floor lamp"}, "a\0lamp", "lamp-", "lámp")
    events = [
        event_row({"first": "lamp", key: value, "last": 1}) for key in ("k", 'odd "key"') for value in (*TEXTS, *odd)
    ]
    events += [event_row({}, body="a lamp"), event_row({"k": "lamp"}, name=CHECKPOINT)]
    asked: list[Term] = [
        *(
            Equals(key, text, prefix)
            for key in ("k", 'odd "key"', "first")
            for text in TEXTS
            for prefix in (False, True)
        ),
        *(Words(text, prefix) for text in WORDS for prefix in (False, True)),
    ]
    indexed = int(len(events) * part)
    with database(events, indexed=indexed) as connection:
        for term in asked:
            search: Search = (Clause(term, False, 0, 0),)
            if clues(search):
                scope = Scope(up_to_id=indexed if needs_search_index(search) else None)
                page, _ = newest(connection, where(search, scope, indexed_id=indexed), 1_000, None)
                assert [row["id"] for row in page] == plain.found(search, scope, events), term


@settings(max_examples=150, deadline=None)
@given(st.text() | st.text(alphabet="ab1 -:<>=*\"\\.'%(){}[]$;"))
def test_whatever_is_typed_runs(text: str) -> None:
    try:
        search = parse(text)
    except SearchError:
        return
    with database([event_row({"a": "b"})]) as connection:
        found(connection, search)


def test_nothing_from_outside_stands_in_the_text() -> None:
    evil = "x'\"; DROP TABLE events; --"
    asked: list[Term] = [Words(evil), Present(evil), Compares(evil, ">", 1)]
    asked += [Equals(key, evil) for key in (evil, "body", "name", "severity")]
    search = tuple(Clause(term, negated, 0, 0) for term in asked for negated in (True, False))
    conditions = where(search)
    assert "DROP" not in conditions.all.text
    with database([event_row()]) as connection:
        assert found(connection, search) == []


@pytest.mark.parametrize(
    ("text", "reads_rows", "has_words"),
    [
        ("", False, False),
        ("name:a actor:b -service:c severity:warn severity>5", False, False),
        ("lamp -chair body:refused", False, True),
        ("severity:notice", True, False),
        ("total>1", True, False),
        ("lamp item:lamp", True, True),
        ("body:*", True, False),
    ],
)
def test_it_is_known_what_needs_the_rows_and_what_the_search_index(
    text: str, reads_rows: bool, has_words: bool
) -> None:
    assert (where(parse(text)).row is not None) == reads_rows
    assert needs_search_index(parse(text)) == has_words


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("lamp", '"lamp"'),
        ("lam* body:a", '"lam" * AND body : "a"'),
        ('item:"a \\"b"*', 'attributes : "a ""b" *'),
        ("-lamp -item:lamp", ""),
        ("item:10 item:true item:... item:* total>1 name:a log.record.uid:u1", ""),
    ],
)
def test_clues_are_words_that_all_events_found_have(text: str, clue: str) -> None:
    assert clues(parse(text)) == clue


def test_the_words_of_the_test_are_words() -> None:
    assert all(map(has_a_word, WORDS))
