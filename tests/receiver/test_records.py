"""A log record or a span becomes rows: every column from its place in OTLP, whatever it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_events.receiver.rows import EventRow, SpanRow
from otel_events.receiver.values import MAX_SQLITE_INTEGER
from tests.receiver.decoding import NOW_NS, logs, traces
from tests.receiver.support import (
    SPAN_ID,
    TIME_NS,
    TRACE_ID,
    keyed,
    log_record,
    span,
    span_event,
)

pytestmark = pytest.mark.usefixtures("each_kind")


def test_every_column_of_a_log_record() -> None:
    record = log_record(
        "u1",
        observed_time_unix_nano=TIME_NS + 1,
        severity_number=9,
        severity_text="INFO",
        body=AnyValue(string_value="Order placed"),
        attributes=[keyed("user.id", "alice")],
        dropped_attributes_count=2,
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
    )
    assert logs(record).events == [
        EventRow(
            uid="u1",
            signal="log",
            time_ns=TIME_NS,
            observed_ns=TIME_NS + 1,
            received_ns=NOW_NS,
            name="order-placed",
            severity_number=9,
            severity_text="INFO",
            body="Order placed",
            actor="alice",
            service="shop",
            service_instance="i-1",
            trace_id=TRACE_ID,
            span_id=SPAN_ID,
            scope="otel_events",
            scope_version="1.0",
            attributes='{"log.record.uid":"u1","user.id":"alice"}',
            dropped_attributes=2,
            resource='{"service.name":"shop","service.instance.id":"i-1"}',
        )
    ]


def test_every_column_of_a_span_and_of_its_event() -> None:
    batch = traces(
        span(
            span_event("u1", attributes=[keyed("user.hash", "h")], dropped_attributes_count=1),
            parent_span_id=b"\x01" * 8,
            kind=Span.SPAN_KIND_SERVER,
            status=Status(code=Status.STATUS_CODE_ERROR, message="no stock"),
            attributes=[keyed("http.route", "/orders")],
        )
    )
    resource = '{"service.name":"shop","service.instance.id":"i-1"}'
    assert batch.spans == [
        SpanRow(
            trace_id=TRACE_ID,
            span_id=SPAN_ID,
            parent_span_id="01" * 8,
            name="POST /orders",
            kind="server",
            service="shop",
            service_instance="i-1",
            start_ns=TIME_NS,
            end_ns=TIME_NS + 1_000_000,
            status="error",
            status_message="no stock",
            scope="otel_events",
            scope_version=None,
            attributes='{"http.route":"/orders"}',
            resource=resource,
            received_ns=NOW_NS,
        )
    ]
    assert batch.events == [
        EventRow(
            uid="u1",
            signal="span_event",
            time_ns=TIME_NS,
            observed_ns=None,
            received_ns=NOW_NS,
            name="order-placed",
            severity_number=None,
            severity_text=None,
            body=None,
            actor="h",
            service="shop",
            service_instance="i-1",
            trace_id=TRACE_ID,
            span_id=SPAN_ID,
            scope="otel_events",
            scope_version=None,
            attributes='{"log.record.uid":"u1","user.hash":"h"}',
            dropped_attributes=1,
            resource=resource,
        )
    ]


@pytest.mark.parametrize(
    ("fields", "time_ns"),
    [
        ({"time_unix_nano": 5, "observed_time_unix_nano": 6}, 5),
        ({"time_unix_nano": 0, "observed_time_unix_nano": 6}, 6),
        ({"time_unix_nano": 0}, NOW_NS),
        ({"time_unix_nano": 2**64 - 1}, MAX_SQLITE_INTEGER),
    ],
)
def test_the_time_is_the_records_else_when_it_was_observed_else_now(fields: dict[str, Any], time_ns: int) -> None:
    assert logs(log_record(**fields)).events[0].time_ns == time_ns


def test_the_older_place_of_an_events_name_is_known() -> None:
    [row] = logs(log_record(event_name="", attributes=[keyed("event.name", "old-style")])).events
    assert row.name == "old-style"


def test_a_log_record_that_is_no_event_has_no_name() -> None:
    assert logs(log_record(event_name="")).events[0].name is None


def test_a_body_that_is_no_string_is_json() -> None:
    body = AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)]))
    assert logs(log_record(body=body)).events[0].body == "[1]"


@pytest.mark.parametrize("uid", [AnyValue(int_value=7), AnyValue(string_value=""), AnyValue()])
def test_a_uid_that_is_no_text_is_no_uid(uid: AnyValue) -> None:
    record = log_record()
    record.attributes.add(key="log.record.uid", value=uid)
    assert logs(record).events[0].uid is None


@pytest.mark.parametrize("trace_id", [b"", bytes(16), b"\x01" * 15])
def test_a_log_record_with_an_invalid_trace_id_has_no_link(trace_id: bytes) -> None:
    [row] = logs(log_record(trace_id=trace_id, span_id=b"\x01" * 8)).events
    assert (row.trace_id, row.span_id) == (None, None)


def test_many_attributes_and_a_large_value_stay_whole() -> None:
    record = log_record(attributes=[keyed(f"k{number}", "x") for number in range(500)])
    record.attributes.append(keyed("large", "y" * 1_048_576))
    attributes = json.loads(logs(record).events[0].attributes)
    assert len(attributes) == 501
    assert len(attributes["large"]) == 1_048_576


@settings(max_examples=50)
@given(st.text(), st.text(), st.integers(0, 2**64 - 1), st.integers(-(2**31), 2**31 - 1), st.binary(max_size=20))
def test_every_record_gives_a_row(name: str, text: str, time_ns: int, severity: int, identifier: bytes) -> None:
    batch = logs(
        log_record(
            text,
            event_name=name,
            severity_text=text,
            time_unix_nano=time_ns,
            severity_number=severity,
            body=AnyValue(string_value=text),
            attributes=[keyed(name, text), keyed("user.id", text)],
            trace_id=identifier,
            span_id=identifier,
        )
    )
    [row] = batch.events
    assert 0 < row.time_ns <= MAX_SQLITE_INTEGER
    assert not any("\0" in value for value in row if isinstance(value, str))
