"""OTLP JSON is read as its specification says: hex ids, integers as text or numbers, unknown fields ignored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events.receiver.otlp_json import parse_json
from tests.receiver.support import SPAN_ID, TRACE_ID


def record(**fields: Any) -> LogRecord:
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [fields]}]}]}
    request = parse_json(ExportLogsServiceRequest(), json.dumps(body).encode())
    parsed: LogRecord = request.resource_logs[0].scope_logs[0].log_records[0]
    return parsed


@pytest.mark.parametrize("trace_id", [TRACE_ID, TRACE_ID.upper()])
def test_ids_are_hex_in_either_case(trace_id: str) -> None:
    parsed = record(traceId=trace_id, spanId=SPAN_ID)
    assert (parsed.trace_id.hex(), parsed.span_id.hex()) == (TRACE_ID, SPAN_ID)


@pytest.mark.parametrize("empty", ["", None])
def test_an_absent_id_is_empty(empty: str | None) -> None:
    assert record(traceId=empty).trace_id == b""


@pytest.mark.parametrize("not_hex", ["W47/95gDgQPSabYzgT/GDA==", "abc", "0x12", "ab cd", 12, ["ab"], "à" * 32])
def test_an_id_that_is_not_hex_is_refused_by_name(not_hex: Any) -> None:
    with pytest.raises(ValueError, match="traceId is not text of hex digits"):
        record(traceId=not_hex)


@pytest.mark.parametrize("time", [1544712660300000000, "1544712660300000000"])
def test_64_bit_integers_come_as_text_or_number(time: int | str) -> None:
    assert record(timeUnixNano=time).time_unix_nano == 1544712660300000000


def test_values_of_every_type() -> None:
    values: list[dict[str, Any]] = [
        {"stringValue": "s"},
        {"boolValue": False},
        {"intValue": "-9223372036854775808"},
        {"intValue": 7},
        {"doubleValue": 1.5},
        {"doubleValue": "NaN"},
        {"bytesValue": "AP/+"},
        {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}},
        {},
    ]
    parsed = record(body={"arrayValue": {"values": values}}).body.array_value.values
    kinds = [value.WhichOneof("value") for value in parsed]
    assert kinds == [*(next(iter(value)).replace("Value", "_value") if value else None for value in values)]
    assert (parsed[2].int_value, parsed[3].int_value, parsed[6].bytes_value) == (-(2**63), 7, b"\x00\xff\xfe")


def test_unknown_fields_are_ignored_and_enums_are_integers() -> None:
    parsed = record(severityNumber=9, eventName="order-placed", inventedLater={"traceId": "00"}, alsoNew=[1])
    assert (parsed.severity_number, parsed.event_name) == (9, "order-placed")


def test_an_attribute_may_be_called_as_an_id_field() -> None:
    parsed = record(attributes=[{"key": "traceId", "value": {"stringValue": "not hex"}}])
    assert parsed.attributes[0].value.string_value == "not hex"


def test_a_lone_surrogate_costs_that_character_only() -> None:
    assert record(body={"stringValue": "a\ud800b"}).body.string_value == "a\ufffdb"


def test_a_surrogate_pair_is_a_character() -> None:
    assert record(body={"stringValue": "\U0001f600"}).body.string_value == "\U0001f600"


def nested(depth: int) -> bytes:
    value = '{"arrayValue": {"values": [' * depth + "]}}" * depth
    return f'{{"resourceLogs": [{{"resource": {{"attributes": [{{"value": {value}}}]}}}}]}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"resourceLogs": 7}',
        b'{"resourceLogs": {"scopeLogs": []}}',
        b'{"resourceLogs": [null]}',
        b'{"resourceLogs": [{"resource": "shop"}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": "plain text"}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": {"k": "v"}}]}]}]}',
        b'{"resourceLogs": [{"schemaUrl": 7}]}',
        b'{"resourceLogs": [{"schemaUrl": {}}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": -1}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": 1e400}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": ' + b"9" * 5000 + b"}]}]}]}",
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"boolValue": "yes"}}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"intValue": 1, "boolValue": true}}]}]}]}',
        b"[" * 100_000,
        nested(200),
        nested(20_000),
    ],
)
def test_what_is_not_otlp_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the body is not OTLP JSON: .{1,500}$"):
        parse_json(ExportLogsServiceRequest(), body)


CONTAINERS = [
    "resourceLogs",
    "resource",
    "scopeLogs",
    "logRecords",
    "attributes",
    "values",
    "arrayValue",
    "kvlistValue",
]
SCALARS = [
    "key",
    "value",
    "stringValue",
    "intValue",
    "bytesValue",
    "traceId",
    "severityNumber",
    "timeUnixNano",
    "schemaUrl",
]
FIELDS = st.sampled_from([*CONTAINERS, *SCALARS])
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=15,
)


@given(JSON_VALUES)
def test_any_json_gives_a_message_or_a_value_error(value: Any) -> None:
    try:
        message = parse_json(ExportLogsServiceRequest(), json.dumps(value).encode())
    except ValueError:
        return
    assert isinstance(message.SerializeToString(), bytes)
