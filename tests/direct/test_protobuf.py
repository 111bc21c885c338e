"""The pieces of protobuf's wire format are as the official classes write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common._internal import _encode_value
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events.direct.protobuf import (
    FieldHeaders,
    TextHeaders,
    any_value,
    field,
    int64,
    key_value,
    span_context,
    varint,
)

integers = st.integers(-(2**63), 2**63 - 1)
scalars = st.one_of(st.text(), st.booleans(), integers, st.floats(allow_nan=False), st.binary())


@given(st.one_of(scalars, st.lists(st.text()), st.lists(integers), st.lists(st.booleans())))
def test_values_are_written_as_the_official_encoder_does(value: Any) -> None:
    assert any_value(value) == _encode_value(value).SerializeToString()


@given(st.text(max_size=300), scalars)
def test_attributes_are_written_as_the_official_classes_do(key: str, value: Any) -> None:
    official = LogRecord(attributes=[KeyValue(key=key, value=_encode_value(value))])

    assert LogRecord.FromString(key_value(b"\x32", key, value)) == official


@given(st.integers(0, 2**64 - 1))
def test_numbers_come_back(number: int) -> None:
    assert LogRecord.FromString(b"\x38" + varint(number & 0xFFFF_FFFF)).dropped_attributes_count == number & 0xFFFF_FFFF
    assert int64(number - 2**63) == varint((number - 2**63) % 2**64)


@given(st.text(max_size=700))
def test_headers_of_texts_fit_every_length(text: str) -> None:
    content = text.encode()
    body = LogRecord.FromString(TextHeaders(b"\x2a", b"")[len(content)] + content)
    attribute = LogRecord.FromString(TextHeaders(b"\x32", field(b"\x0a", b"key") + b"\x12")[len(content)] + content)

    assert body.body.string_value == text
    assert [(pair.key, pair.value.string_value) for pair in attribute.attributes] == [("key", text)]


def test_headers_are_kept_up_to_a_bound() -> None:
    for headers in (FieldHeaders(b"\x12"), TextHeaders(b"\x2a", b"")):
        for length in (*range(0, 20_000, 3), 5):
            assert headers[length] == headers[length]
        assert len(headers) == 4096
    assert FieldHeaders(b"\x12")[300] == field(b"\x12", bytes(300))[:-300]


@pytest.mark.parametrize("flags", [0, 1, 255])
@pytest.mark.parametrize("span_id", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("trace_id", [0, 1, 2**128 - 1])
def test_the_span_in_which_a_record_came_to_be(trace_id: int, span_id: int, flags: int) -> None:
    assert LogRecord.FromString(span_context(trace_id, span_id, flags)) == LogRecord(
        trace_id=trace_id.to_bytes(16, "big") if trace_id else b"",
        span_id=span_id.to_bytes(8, "big") if span_id else b"",
        flags=flags,
    )
