"""Every OTLP value has one honest JSON form, and SQLite takes every result."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from otel_events.receiver.values import (
    MAX_SQLITE_INTEGER,
    clamped_ns,
    hex_or_none,
    json_text,
    plain_attributes,
    plain_value,
    text_or_none,
)
from tests.receiver.support import keyed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AnyValue(string_value="a\x00b"), r'"a\u0000b"'),
        (AnyValue(string_value="7"), '"7"'),
        (AnyValue(bool_value=False), "false"),
        (AnyValue(int_value=2**63 - 1), "9223372036854775807"),
        (AnyValue(int_value=-(2**63)), "-9223372036854775808"),
        (AnyValue(double_value=3.0), "3.0"),
        (AnyValue(double_value=math.nan), '"NaN"'),
        (AnyValue(double_value=math.inf), '"Infinity"'),
        (AnyValue(double_value=-math.inf), '"-Infinity"'),
        (AnyValue(bytes_value=b"\x00\xff\xfe"), '"base64:AP/+"'),
        (AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue()])), "[1,null]"),
        (AnyValue(kvlist_value=KeyValueList(values=[keyed("k", "ü")])), '{"k":"ü"}'),
        (AnyValue(string_value_strindex=3), "null"),
        (AnyValue(), "null"),
    ],
)
def test_each_type_has_its_form(value: AnyValue, text: str) -> None:
    assert json_text(plain_value(value)) == text


def test_of_a_key_that_comes_twice_the_last_value_stands() -> None:
    assert plain_attributes([keyed("k", "1"), keyed("other", "x"), keyed("k", "2")]) == {"k": "2", "other": "x"}


def any_values() -> st.SearchStrategy[AnyValue]:
    scalars: st.SearchStrategy[AnyValue] = st.one_of(
        st.builds(AnyValue),
        st.builds(AnyValue, string_value=st.text()),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
        st.builds(AnyValue, double_value=st.floats()),
        st.builds(AnyValue, bytes_value=st.binary()),
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
            st.lists(st.builds(KeyValue, key=st.text(), value=inner), max_size=4).map(
                lambda items: AnyValue(kvlist_value=KeyValueList(values=items))
            ),
        ),
        max_leaves=10,
    )


@given(any_values())
def test_every_value_is_valid_json_that_reads_back_the_same(value: AnyValue) -> None:
    plain = plain_value(value)
    assert json.loads(json_text(plain), parse_constant=pytest.fail) == plain


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), ("", None), (None, None), (7, "7"), (True, "true"), ({"k": [1]}, '{"k":[1]}'), ("a\x00b", "a\ufffdb")],
)
def test_a_column_holds_text_without_nul(value: Any, text: str | None) -> None:
    assert text_or_none(value) == text


@pytest.mark.parametrize("identifier", [b"", b"\x00" * 8, b"\x01" * 7, b"\x01" * 9])
def test_an_invalid_id_is_none(identifier: bytes) -> None:
    assert hex_or_none(identifier, 8) is None


def test_a_valid_id_is_lower_case_hex() -> None:
    assert hex_or_none(b"\xab" * 8, 8) == "ab" * 8


def test_a_time_beyond_sqlites_integers_becomes_the_last_one() -> None:
    assert [clamped_ns(0), clamped_ns(2**63), clamped_ns(2**64 - 1)] == [0, MAX_SQLITE_INTEGER, MAX_SQLITE_INTEGER]
