"""Requests decoded as a whole, for the tests of what decodes them piece by piece."""

from __future__ import annotations

from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_events.receiver.decode import Decoding
from otel_events.receiver.rows import EventRow, SpanRow
from tests.receiver.support import keyed, logs_request, traces_request

NOW_NS = 1_700_000_000_000_000_000
RESOURCE = [keyed("service.name", "shop"), keyed("service.instance.id", "i-1")]


class Decoded(NamedTuple):
    """All rows of a request, and what of it was refused."""

    events: list[EventRow]
    spans: list[SpanRow]
    refused: int
    reasons: str


def decoded(decoding: Decoding) -> Decoded:
    """Decode all of it."""
    pieces = list(decoding)
    events = [row for piece in pieces for row in piece.events]
    spans = [row for piece in pieces for row in piece.spans]
    return Decoded(events, spans, decoding.refused, decoding.reasons())


def decoded_logs(request: ExportLogsServiceRequest, max_records: int = 100) -> Decoded:
    """Decode a request of log records that came at :data:`NOW_NS`."""
    data = request.SerializeToString()
    return decoded(Decoding(data, "log records", received_ns=NOW_NS, max_records=max_records))


def decoded_traces(request: ExportTraceServiceRequest, max_records: int = 100) -> Decoded:
    """Decode a request of spans, likewise."""
    data = request.SerializeToString()
    return decoded(Decoding(data, "spans", received_ns=NOW_NS, max_records=max_records))


def logs(*records: Any, max_records: int = 100) -> Decoded:
    """Decode log records of :data:`RESOURCE`."""
    return decoded_logs(logs_request(*records, resource=RESOURCE), max_records)


def traces(*spans: Any, max_records: int = 100) -> Decoded:
    """Decode spans of :data:`RESOURCE`."""
    return decoded_traces(traces_request(*spans, resource=RESOURCE), max_records)
