"""Values as failing tests show them: like their `repr`, bounded, and without secrets wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.privacy import Secret
from otel_events.shown import shown, shown_field


@dataclass
class Card:
    holder: str
    number: Annotated[str, Secret()] = "s3cret"
    password: str = "s3cret"
    more: Any = field(default=None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("o-1", "'o-1'"),
        (7, "7"),
        (None, "None"),
        ([1, "two"], "[1, 'two']"),
        ({"id": "alice", "token": "s3cret"}, "{'id': 'alice', 'token': [redacted]}"),
        ({}, "{}"),
        (MappingProxyType({"password": "s3cret"}), "{'password': [redacted]}"),
        (datetime(2026, 1, 2, tzinfo=timezone.utc), "2026-01-02T00:00:00+00:00"),
        (Card("alice"), "Card(holder='alice', number=[redacted], password=[redacted], more=None)"),
        (Card, f"<class '{__name__}.Card'>"),
        ([[[{"a": Card("bob")}]]], "[[[{'a': Card(…)}]]]"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert shown(value) == text


def test_secrets_are_hidden_however_deep() -> None:
    deep: Any = Card("x")
    for _ in range(5):
        deep = Card("x", more=[{"card": deep}])
        assert "s3cret" not in shown(deep)


def test_fields() -> None:
    assert shown_field(Card, "holder", "alice") == "'alice'"
    assert shown_field(Card, "number", "s3cret") == "[redacted]"
    assert shown_field(Card, "password", "s3cret") == "[redacted]"


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=1000) | st.binary(max_size=1000),
        lambda inner: (
            st.lists(inner, max_size=30)
            | st.dictionaries(st.text(max_size=300), inner, max_size=30)
            | st.builds(Card, st.text(), more=inner)
        ),
        max_leaves=50,
    )
)
def test_whatever_it_is_its_text_is_bounded(value: object) -> None:
    assert len(shown(value)) < 50_000
