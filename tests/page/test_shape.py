"""Stored values in the API's JSON: each with its type, and no integer that JavaScript would round."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.page.shape import attributes_json, bytes_or_none, ns_or_none, severity_name
from otel_events.receiver.values import json_text


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("lamp", "string", "lamp"),
        (True, "bool", True),
        (7, "int", "7"),
        (2**63 - 1, "int", "9223372036854775807"),
        (1.0, "double", 1.0),
        (None, "null", None),
        ("base64:AQ==", "bytes", "AQ=="),
        ("base64:no!", "string", "base64:no!"),
        ("NaN", "string", "NaN"),
        ([1, True, 2**53, -(2**60)], "array", [1, True, "9007199254740992", str(-(2**60))]),
        ({"a": {"b": [2**53 - 1]}}, "map", {"a": {"b": [2**53 - 1]}}),
    ],
)
def test_a_value_has_its_type(value: Any, kind: str, shown: Any) -> None:
    [attribute] = attributes_json(json_text({"k": value}))
    assert attribute == {"key": "k", "type": kind, "value": shown}
    assert type(attribute["value"]) is type(shown)


numbers = st.integers(-(2**63), 2**63 - 1)


@given(
    st.recursive(numbers | st.text() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_no_integer_is_beyond_what_javascript_holds(value: Any) -> None:
    def check(shown: Any) -> None:
        if isinstance(shown, (list, dict)):
            for item in shown.values() if isinstance(shown, dict) else shown:
                check(item)
        assert not isinstance(shown, int) or abs(shown) < 2**53

    check(json.loads(json.dumps(attributes_json(json_text({"k": value})))))


@pytest.mark.parametrize(
    ("number", "name"), [(1, "TRACE"), (9, "INFO"), (12, "INFO"), (13, "WARN"), (24, "FATAL"), (0, "0"), (25, "25")]
)
def test_severities_have_the_names_of_their_ranges(number: int, name: str) -> None:
    assert severity_name(number) == name


def test_bytes_and_times() -> None:
    assert bytes_or_none("base64:AQI=") == b"\x01\x02"
    assert bytes_or_none("base64:\u00e9") is None
    assert (ns_or_none(None), ns_or_none(5)) == (None, "5")
