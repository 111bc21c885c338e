"""Events that are meant to break whoever stores or shows them. Each is valid OTLP, so each has to come through."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs

from tests.receiver.support import (
    SPAN_ID,
    TIME_NS,
    TRACE_ID,
    keyed,
    log_record,
    logs_request,
    span,
    span_event,
    traces_request,
)

LARGE = 1024 * 1024
MARKUP = (
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "\"><svg onload='window.hacked = 1'>",
    "javascript:window.hacked=1",
    "${window.hacked=1}{{window.hacked=1}}",
    "</textarea></title></style></script><b>bold</b>",
    "&lt;b&gt; &amp; &#x3c;",
    "'; DROP TABLE events; --",
    '" OR name:* AND NEAR(a b) ^ * -',
)
"""What a page may take for markup or a program, and a query for its own language."""

TEXTS = (
    *MARKUP,
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\N{POP DIRECTIONAL FORMATTING}",
    "\N{ARABIC LETTER MEEM}\N{ARABIC LETTER REH}\N{ARABIC LETTER HAH}\N{ARABIC LETTER BEH}\N{ARABIC LETTER ALEF} (abc)",
    "a\0b",
    "\x1b[31mred\x1b[0m\x07\r\n\t\x85\N{LINE SEPARATOR}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}",
    "Z" + "\N{COMBINING ACUTE ACCENT}" * 200,
    "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{WOMAN}\U000e0041\U0010ffff",
    " ",
    "",
    "__proto__",
    "constructor",
)


def any_value(value: Any) -> AnyValue:
    """Give a Python value as an OTLP value; a dictionary as a kvlist."""
    if value is None:
        return AnyValue()
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    if isinstance(value, dict):
        pairs = [KeyValue(key=key, value=any_value(item)) for key, item in value.items()]
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    return AnyValue(string_value=value)


def nested(depth: int) -> AnyValue:
    """Give an array in an array, so many times."""
    value = AnyValue(string_value="inside")
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


def records() -> Iterator[LogRecord]:
    """Yield the log records, each with a uid of its own but those that say so."""
    for number, text in enumerate(TEXTS):
        yield log_record(
            f"text-{number}",
            event_name=text,
            severity_text=text,
            severity_number=number % 25,
            body=any_value(text),
            attributes=[keyed(text, text), keyed("user.id", text), keyed("app.text", text), keyed("event.name", text)],
        )
        yield log_record(f"only-body-{number}", event_name="", body=any_value({text: [text, {text: text}]}))
    for number, text in enumerate(MARKUP):
        yield log_record(text, event_name=f"uid-{number}")
    yield log_record("large-body", body=any_value("x" * LARGE))
    yield log_record("large-value", attributes=[keyed("app.large", "word " * (LARGE // 5))])
    yield log_record("large-key", attributes=[keyed("k" * LARGE, "x")])
    yield log_record("large-name", event_name="n" * LARGE)
    yield log_record("large-nul", body=any_value("\0" * LARGE))
    yield log_record("u" * LARGE)
    yield log_record("many", attributes=[keyed(f"app.key{number}", str(number)) for number in range(500)])
    yield log_record("same-key", attributes=[keyed("app.key", str(number)) for number in range(500)])
    yield log_record("nested", body=nested(40), attributes=[KeyValue(key="app.nested", value=nested(40))])
    numbers = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -0.0, 1e308, 5e-324, math.nan, math.inf, -math.inf, True]
    attributes = [KeyValue(key=f"app.n{place}", value=any_value(number)) for place, number in enumerate(numbers)]
    yield log_record("numbers", attributes=attributes)
    others: list[Any] = [None, b"", b"\x00\xff" * 50, [], {}, [[], {}, None], {"": {"": ""}}]
    attributes = [KeyValue(key=f"app.o{place}", value=any_value(other)) for place, other in enumerate(others)]
    yield log_record("others", attributes=attributes)
    for time_ns in (0, 1, 999, 2**63 - 1, 2**64 - 1):
        yield log_record(f"time-{time_ns}", time_unix_nano=time_ns, observed_time_unix_nano=time_ns)
    yield log_record("severity", severity_number=2**31 - 1, severity_text="FATAL" * 1_000)
    yield log_record("twice", body=any_value("first"))
    yield log_record("twice", body=any_value("second"))
    yield log_record("flags", flags=2**32 - 1, dropped_attributes_count=2**32 - 1)
    yield log_record("ids", trace_id=bytes.fromhex(TRACE_ID), span_id=bytes.fromhex(SPAN_ID))
    yield log_record("bad-ids", trace_id=b"\x01" * 40, span_id=b"")
    yield LogRecord()


def requests() -> Iterator[bytes]:
    """Yield requests of log records in protobuf: each record in a request of its own, under a hostile resource and scope."""
    for number, record in enumerate(records()):
        text = TEXTS[number % len(TEXTS)]
        resource = [keyed("service.name", text), keyed("service.instance.id", text), keyed(text, text)]
        request = logs_request(record, resource=resource)
        request.resource_logs[0].scope_logs[0].scope.name = text
        request.resource_logs[0].scope_logs[0].scope.version = text
        yield request.SerializeToString()
    yield logs_request(resource=[keyed("service.name", "no records")]).SerializeToString()
    empty = logs_request(log_record("no-resource"))
    empty.resource_logs.insert(0, ResourceLogs())
    yield empty.SerializeToString()


def trace_requests() -> Iterator[ExportTraceServiceRequest]:
    """Yield requests of spans."""
    for number, text in enumerate(TEXTS):
        one = span(
            span_event(f"span-event-{number}", name=text, attributes=[keyed(text, text)]),
            span_id=(number + 1).to_bytes(8, "big"),
            name=text,
            attributes=[keyed(text, text)],
            start_time_unix_nano=2**64 - 1,
            end_time_unix_nano=0,
            status={"code": 2, "message": text},
        )
        yield traces_request(one, resource=[keyed("service.name", text)])
    own_parent = bytes.fromhex(SPAN_ID)
    yield traces_request(span(parent_span_id=own_parent))


def _json(**fields: Any) -> bytes:
    record = {"timeUnixNano": str(TIME_NS), "eventName": "order-placed", **fields}
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()


JSON_REQUESTS = (
    _json(body={"stringValue": "lone \ud800 surrogate"}, eventName="\udfff"),
    _json(attributes=[{"key": "\ud800", "value": {"stringValue": "\udc00\ud800"}}]),
    _json(
        attributes=[
            {"key": "app.n", "value": {"intValue": str(2**63 - 1)}},
            {"key": "app.m", "value": {"intValue": -(2**63)}},
        ]
    ),
    _json(
        attributes=[
            {"key": "app.n", "value": {"doubleValue": "NaN"}},
            {"key": "app.m", "value": {"doubleValue": "-Infinity"}},
        ]
    ),
    _json(timeUnixNano=str(2**64 - 1), unknownField={"deep": [[[[]]]]}, observedTimeUnixNano="0"),
    _json(attributes=[{"key": "app.none"}, {"key": "app.null", "value": None}, {"key": "app.empty", "value": {}}]),
    _json(body={"stringValue": "\u202e\u0000\uffff" + MARKUP[0]}),
)
"""Requests of log records in JSON that are to be stored, with what protobuf cannot hold."""

JSON_REFUSED = (
    _json(attributes=[{"key": "app.n", "value": {"intValue": str(2**64)}}]),
    _json(attributes=[{"key": "app.n", "value": {"intValue": 10**400}}]),
    _json(timeUnixNano="-1"),
    _json(traceId="zz"),
    _json(traceId=7),
    b"[" * 100_000,
    b'{"resourceLogs":' * 20_000,
    b"NaN",
    b"",
    b"\xff\xfe",
    b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"intValue": NaN}}]}]}]}',
)
"""Requests in JSON that are to be refused with 400."""
