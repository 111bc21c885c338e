"""Values of ordinary types are written in their places as the official classes write them; others are left to conversion."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common._internal import _encode_value
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events.direct.places import Numbers, Place, UnusualError, items_of, ordinary


@pytest.mark.parametrize("value", ["", "text", "é" * 200, 0, -1, 2**63 - 1, -(2**63), 1.5, -0.0, True, False])
def test_a_value_is_written_in_its_place(value: Any) -> None:
    written = LogRecord.FromString(Place("key").write(value))
    assert written == LogRecord(attributes=[KeyValue(key="key", value=_encode_value(value))])


def test_none_has_no_place() -> None:
    assert Place("key").write(None) == b""


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "[]"),
        (["a", "é", ""], '["a","é",""]'),
        (("a", 'say "x"\n'), '["a","say \\"x\\"\\n"]'),
        ([1, -1, 2**63 - 1], "[1,-1,9223372036854775807]"),
        ([1.5, 1e300], "[1.5,1e+300]"),
        ([1.5, float("inf")], '[1.5,"inf"]'),
        ([True, False], "[true,false]"),
    ],
)
def test_sequences(values: Any, text: str) -> None:
    items, shown = items_of(values)
    written = LogRecord.FromString(Place("key").array(items))
    assert written == LogRecord(attributes=[KeyValue(key="key", value=_encode_value(list(values)))])
    assert shown == text


@pytest.mark.parametrize("values", [[1, "a"], [None], [[]], [True, 1], [2**63], ["x" * 5000], [0] * 300, [b"x"]])
def test_other_sequences_are_left_to_conversion(values: Any) -> None:
    with pytest.raises(UnusualError):
        items_of(values)


def test_a_number_beyond_64_bits_has_no_place() -> None:
    with pytest.raises(UnusualError):
        Place("key").number(2**63)
    with pytest.raises(UnusualError):
        ordinary(2**63)


def test_memory_for_numbers_is_bounded() -> None:
    place = Place("key")
    numbers = Numbers(place, " key=")
    for number in range(3000):
        assert numbers[number] == numbers[number] == (place.number(number), f" key={number}")
    assert len(numbers) == 1024
