"""OTLP requests to rows of the database. Pure: no clock, no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_events.receiver.rows import EventRow, SpanRow
from otel_events.receiver.values import (
    clamped_ns,
    hex_or_none,
    json_text,
    plain_attributes,
    plain_value,
    text_or_none,
)
from otel_events.semconv import LOG_RECORD_UID, USER_HASH, USER_ID

_LEGACY_EVENT_NAME: Final = "event.name"
"""Where senders put an event's name before log records had a field for it."""

MAX_ROW_CHARACTERS: Final = 256 * 1024 * 1024
"""How much text the rows of one request may hold. The resource stands in every row, so a large one sent once with very
many small records would fill the disk otherwise."""

_SPAN_KINDS: Final = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_SPAN_STATUSES: Final = {1: "ok", 2: "error"}


@dataclass
class Batch:
    """The rows of one request, and what of it was refused: how many log records or spans, and why."""

    events: list[EventRow] = field(default_factory=list)
    spans: list[SpanRow] = field(default_factory=list)
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Origin:
    """What all records of one resource and one scope share."""

    service: str | None
    service_instance: str | None
    resource: str
    scope: str | None
    scope_version: str | None


class _Room:
    """What one request may still take up. Once something did not fit, nothing more does: the rest is rejected."""

    def __init__(self, max_records: int) -> None:
        self._records = max_records
        self._characters = MAX_ROW_CHARACTERS

    def is_full(self, records: int) -> bool:
        """Say whether so many more records do not fit, before anybody makes rows of them."""
        if records > self._records:
            self._records = 0
            return True
        return False

    def take(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Take up the room of the rows, if there is enough."""
        self._characters -= sum(len(value) for row in rows for value in row if isinstance(value, str))
        self._records = self._records - len(rows) if self._characters >= 0 else 0
        return self._characters >= 0


def decode_logs(request: ExportLogsServiceRequest, *, received_ns: int, max_records: int) -> Batch:
    """Give the rows of a logs request.

    Args:
        request: The request.
        received_ns: When it came, in nanoseconds since 1970; the time of a record that has none of its own.
        max_records: At most so many log records are taken, and at most :data:`MAX_ROW_CHARACTERS` of text; the rest is
            counted as rejected.

    Returns:
        One event a log record, in the order of the request.
    """
    batch = Batch()
    room = _Room(max_records)
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            records = scope_logs.log_records
            if not records:
                continue
            origin = _origin(resource_logs.resource, scope_logs.scope)
            for index, record in enumerate(records):
                row = None if room.is_full(1) else _log_row(record, origin, received_ns)
                if row is None or not room.take([row]):
                    batch.rejected += len(records) - index
                    break
                batch.events.append(row)
    if batch.rejected:
        batch.reasons.append(_too_many(batch.rejected, "log records", max_records))
    return batch


def decode_traces(request: ExportTraceServiceRequest, *, received_ns: int, max_records: int) -> Batch:
    """Give the rows of a traces request: its spans, and their span events.

    Args:
        request: The request.
        received_ns: When it came, in nanoseconds since 1970; the time of a span event that has none of its own.
        max_records: At most so many spans and span events, counted together, are taken, and at most
            :data:`MAX_ROW_CHARACTERS` of text; a span is taken with all of its events or not at all.

    Returns:
        The rows. Spans without a valid trace id and span id are rejected with their events: OTLP does not allow them.
    """
    batch = Batch()
    room = _Room(max_records)
    invalid = too_many = 0
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            if not scope_spans.spans:
                continue
            origin = _origin(resource_spans.resource, scope_spans.scope)
            for span in scope_spans.spans:
                trace_id, span_id = hex_or_none(span.trace_id, 16), hex_or_none(span.span_id, 8)
                if trace_id is None or span_id is None:
                    invalid += 1
                    continue
                if room.is_full(1 + len(span.events)):
                    too_many += 1
                    continue
                row = _span_row(span, trace_id, span_id, origin)
                events = [_span_event_row(event, trace_id, span_id, origin, received_ns) for event in span.events]
                if room.take([row, *events]):
                    batch.spans.append(row)
                    batch.events.extend(events)
                else:
                    too_many += 1
    batch.rejected = invalid + too_many
    if invalid:
        batch.reasons.append(f"{invalid} spans refused: without a valid trace id (16 bytes) and span id (8 bytes).")
    if too_many:
        batch.reasons.append(_too_many(too_many, "spans", max_records))
    return batch


def _too_many(count: int, what: str, max_records: int) -> str:
    return (
        f"{count} {what} refused: one request may hold {max_records} records and fill {MAX_ROW_CHARACTERS} characters "
        "of rows; send smaller batches."
    )


def _origin(resource: Resource, scope: InstrumentationScope) -> _Origin:
    attributes = plain_attributes(resource.attributes)
    return _Origin(
        service=text_or_none(attributes.get("service.name")),
        service_instance=text_or_none(attributes.get("service.instance.id")),
        resource=json_text(attributes),
        scope=text_or_none(scope.name),
        scope_version=text_or_none(scope.version),
    )


def _log_row(record: LogRecord, origin: _Origin, received_ns: int) -> EventRow:
    attributes = plain_attributes(record.attributes)
    trace_id = hex_or_none(record.trace_id, 16)
    return EventRow(
        uid=_uid(attributes),
        signal="log",
        time_ns=clamped_ns(record.time_unix_nano or record.observed_time_unix_nano or received_ns),
        observed_ns=clamped_ns(record.observed_time_unix_nano) or None,
        received_ns=received_ns,
        name=text_or_none(record.event_name or attributes.get(_LEGACY_EVENT_NAME)),
        severity_number=record.severity_number or None,
        severity_text=text_or_none(record.severity_text),
        body=text_or_none(plain_value(record.body)),
        actor=_actor(attributes),
        service=origin.service,
        service_instance=origin.service_instance,
        trace_id=trace_id,
        span_id=hex_or_none(record.span_id, 8) if trace_id else None,
        scope=origin.scope,
        scope_version=origin.scope_version,
        attributes=json_text(attributes),
        dropped_attributes=record.dropped_attributes_count,
        resource=origin.resource,
    )


def _span_event_row(event: Span.Event, trace_id: str, span_id: str, origin: _Origin, received_ns: int) -> EventRow:
    attributes = plain_attributes(event.attributes)
    return EventRow(
        uid=_uid(attributes),
        signal="span_event",
        time_ns=clamped_ns(event.time_unix_nano or received_ns),
        observed_ns=None,
        received_ns=received_ns,
        name=text_or_none(event.name),
        severity_number=None,
        severity_text=None,
        body=None,
        actor=_actor(attributes),
        service=origin.service,
        service_instance=origin.service_instance,
        trace_id=trace_id,
        span_id=span_id,
        scope=origin.scope,
        scope_version=origin.scope_version,
        attributes=json_text(attributes),
        dropped_attributes=event.dropped_attributes_count,
        resource=origin.resource,
    )


def _span_row(span: Span, trace_id: str, span_id: str, origin: _Origin) -> SpanRow:
    return SpanRow(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=hex_or_none(span.parent_span_id, 8),
        name=text_or_none(span.name) or "",
        kind=_SPAN_KINDS.get(span.kind),
        service=origin.service,
        service_instance=origin.service_instance,
        start_ns=clamped_ns(span.start_time_unix_nano),
        end_ns=clamped_ns(span.end_time_unix_nano),
        status=_SPAN_STATUSES.get(span.status.code, "unset"),
        status_message=text_or_none(span.status.message),
        scope=origin.scope,
        scope_version=origin.scope_version,
        attributes=json_text(plain_attributes(span.attributes)),
        resource=origin.resource,
    )


def _uid(attributes: dict[str, Any]) -> str | None:
    uid = attributes.get(LOG_RECORD_UID)
    return text_or_none(uid) if isinstance(uid, str) else None


def _actor(attributes: dict[str, Any]) -> str | None:
    return text_or_none(attributes.get(USER_ID)) or text_or_none(attributes.get(USER_HASH))
