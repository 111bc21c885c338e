"""Conditions on attributes hold for exactly those attributes that plain Python says, however odd keys and values are."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_events.page.attributes import attribute_condition, compared, items_of
from otel_events.page.search import Clause, Compares, Equals, Operator, Present
from otel_events.receiver.values import json_text
from tests.page import plain
from tests.page.support import event_row

KEYS = ("k", "a.b", 'odd "k', "back\\slash", ":", ",x", "é", "tab\t", "{", "")
TEXTS = ("lamp", "lam", "", "10", "1", "true", ":", ",", "{", '":"', 'a"b\\c')
NUMBERS: tuple[float, ...] = (0, 1, 10, -1, 10.0, 0.5, 2**53 + 1, 2.0**53, 1e300, float("inf"))
OPERATORS: tuple[Operator, ...] = (">", ">=", "<", "<=")

TERMS: list[Equals | Present | Compares] = [
    *(Present(key) for key in KEYS),
    *(Equals(key, text, prefix) for key, text, prefix in itertools.product(KEYS, TEXTS, (False, True))),
    *(Compares(key, operator, number) for key, operator, number in itertools.product(KEYS, OPERATORS, NUMBERS)),
]

SCALARS = (None, True, False, 0, 1, 10, -1, 2**53 + 1, 0.5, 10.0, *TEXTS, "10.0", " 1e1 ", "1x")
NESTED: tuple[Any, ...] = (
    [], ["lamp"], [10, "1"], [["lamp"]],
    {}, {"k": "lamp"}, {"": "10", "é": True}, {"x": {"k": "lamp"}}, [{"k": "lamp"}],
)  # fmt: skip

scalars = st.sampled_from(SCALARS)
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=5
)


def check(events: Sequence[Mapping[str, Any]]) -> None:
    """Ask SQLite for each term where it holds, and compare with plain Python."""
    rows = [event_row(attributes) for attributes in events]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, attributes TEXT)")
        connection.executemany("INSERT INTO events (attributes) VALUES (?)", [(row.attributes,) for row in rows])
        for term in TERMS:
            condition, parameters = attribute_condition(term)
            found = connection.execute(f"SELECT id FROM events WHERE {condition} ORDER BY id", parameters).fetchall()
            expected = [at for at, row in enumerate(rows, 1) if plain.holds(Clause(term, False, 0, 0), row)]
            assert [at for (at,) in found] == expected, term


def test_they_hold_for_every_key_and_every_kind_of_value() -> None:
    check([{"first": 1, key: value, "last": "x"} for key in KEYS for value in (*SCALARS, *NESTED)])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.dictionaries(keys, values, max_size=3), max_size=30))
@example([{"a.b": ":"}, {"a.b": {"k": "lamp"}}])
def test_they_hold_where_plain_python_says(events: list[dict[str, Any]]) -> None:
    check(events)


@pytest.mark.parametrize(
    ("text", "is_number"),
    [("10", True), ("9.99", True), ("-.5", True), ("1e3", True), (" 7 ", True), ("ten", False), ("", False), ("0x10", False),
     ("NaN", False), ("Infinity", False), ("1_0", False)],
)  # fmt: skip
def test_text_that_is_a_number_is_compared_as_one(text: str, is_number: bool) -> None:
    for operator, number in ((">", -1e9), ("<", 1e9)):
        condition, parameters = compared("value", Compares("k", operator, number))  # type: ignore[arg-type]
        with closing(sqlite3.connect(":memory:")) as connection:
            answer = connection.execute(f"SELECT {condition} FROM (SELECT ? AS value)", (*parameters, text)).fetchone()[
                0
            ]
        assert bool(answer) == is_number


@pytest.mark.parametrize("key", KEYS)
def test_the_items_of_an_attribute_are_rows(key: str) -> None:
    source, of_key = items_of(key)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE events (attributes TEXT)")
        connection.execute("INSERT INTO events VALUES (?)", (json_text({"other": 1, key: "lamp"}),))
        rows = connection.execute(
            f"SELECT item.type, item.atom FROM events, {source.text} WHERE {of_key.text}",
            (*source.parameters, *of_key.parameters),
        ).fetchall()
    assert rows == [("text", "lamp")]
