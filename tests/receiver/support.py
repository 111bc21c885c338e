"""What the tests of the receiver share: OTLP requests, made by hand from the specification, and a plain HTTP client."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
TIME_NS = 1_544_712_660_300_000_000
"""2018-12-13T14:51:00.300Z"""


class Answer(NamedTuple):
    """The answer to an HTTP request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body as JSON."""
        return json.loads(self.body)


def send(port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Send one HTTP request on a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def post(port: int, path: str, body: bytes, content_type: str = PROTOBUF, **headers: str) -> Answer:
    """Post a body; further headers are given as keyword arguments, with ``_`` for ``-``."""
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(port, "POST", path, body, {"Content-Type": content_type, **extra})


def keyed(key: str, text: str) -> KeyValue:
    """Make an attribute whose value is a string."""
    return KeyValue(key=key, value=AnyValue(string_value=text))


def log_record(uid: str | None = None, **fields: Any) -> LogRecord:
    """Make a log record: an event named ``order-placed``, changed by the fields given."""
    attributes = [keyed("log.record.uid", uid)] if uid is not None else []
    given = {"time_unix_nano": TIME_NS, "event_name": "order-placed", **fields}
    return LogRecord(**{**given, "attributes": [*attributes, *given.get("attributes", ())]})


def logs_request(*records: LogRecord, resource: Sequence[KeyValue] = ()) -> ExportLogsServiceRequest:
    """Make a request with log records of one resource and one scope."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(resource)
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "otel_events"
    scope_logs.scope.version = "1.0"
    scope_logs.log_records.extend(records)
    return request


def span_event(uid: str | None = None, **fields: Any) -> Span.Event:
    """Make a span event named ``order-placed``, changed by the fields given."""
    attributes = [keyed("log.record.uid", uid)] if uid is not None else []
    given = {"time_unix_nano": TIME_NS, "name": "order-placed", **fields}
    return Span.Event(**{**given, "attributes": [*attributes, *given.get("attributes", ())]})


def span(*events: Span.Event, **fields: Any) -> Span:
    """Make a span with events, changed by the fields given."""
    given: dict[str, Any] = {
        "trace_id": bytes.fromhex(TRACE_ID),
        "span_id": bytes.fromhex(SPAN_ID),
        "name": "POST /orders",
        "start_time_unix_nano": TIME_NS,
        "end_time_unix_nano": TIME_NS + 1_000_000,
    }
    return Span(events=events, **{**given, **fields})


def traces_request(*spans: Span, resource: Sequence[KeyValue] = ()) -> ExportTraceServiceRequest:
    """Make a request with spans of one resource and one scope."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.extend(resource)
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "otel_events"
    scope_spans.spans.extend(spans)
    return request


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask the database file something."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()
