"""One log record or span in protobuf to rows of the database. Pure: no clock, no file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_events.receiver.rows import EventRow, Rows, SignalName, SpanRow
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

_SPAN_KINDS: Final = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_SPAN_STATUSES: Final = {1: "ok", 2: "error"}


Shared = tuple[SignalName, str | None, str | None, str | None, str | None, str, int]
"""The columns ``signal``, ``service``, ``service_instance``, ``scope``, ``scope_version``, ``resource`` and ``received_ns``."""


@dataclass(frozen=True)
class Origin:
    """What all records of one resource and one scope share; the columns of the same names."""

    service: str | None
    service_instance: str | None
    resource: str
    scope: str | None
    scope_version: str | None
    received_ns: int

    def of_logs(self) -> Shared:
        """Give what stands in the rows of log records."""
        scope, resource = (self.scope, self.scope_version), (self.resource, self.received_ns)
        return ("log", self.service, self.service_instance, *scope, *resource)


def origin(resource: bytes, scope: bytes, received_ns: int) -> Origin:
    """Decode a resource and a scope.

    Raises:
        DecodeError: They are not that in protobuf.
    """
    attributes = plain_attributes(Resource.FromString(resource).attributes)
    named = InstrumentationScope.FromString(scope)
    return Origin(
        service=text_or_none(attributes.get("service.name")),
        service_instance=text_or_none(attributes.get("service.instance.id")),
        resource=json_text(attributes),
        scope=text_or_none(named.name),
        scope_version=text_or_none(named.version),
        received_ns=received_ns,
    )


def log_rows(data: bytes, origin: Origin) -> Rows:
    """Give the row of a log record.

    Raises:
        DecodeError: It is no ``LogRecord`` in protobuf.
    """
    record = LogRecord.FromString(data)
    attributes = plain_attributes(record.attributes)
    observed_ns = clamped_ns(record.observed_time_unix_nano)
    trace_id = hex_or_none(record.trace_id, 16)
    row = EventRow(
        _uid(attributes),
        "log",
        clamped_ns(record.time_unix_nano) or observed_ns or origin.received_ns,
        observed_ns or None,
        origin.received_ns,
        text_or_none(record.event_name or attributes.get(_LEGACY_EVENT_NAME)),
        record.severity_number or None,
        text_or_none(record.severity_text),
        text_or_none(record.body.string_value or plain_value(record.body)),
        _actor(attributes),
        origin.service,
        origin.service_instance,
        trace_id,
        hex_or_none(record.span_id, 8) if trace_id else None,
        origin.scope,
        origin.scope_version,
        json_text(attributes),
        record.dropped_attributes_count,
        origin.resource,
    )
    return Rows([row], [])


def span_rows(data: bytes, origin: Origin) -> Rows | None:
    """Give the rows of a span and of its span events; None where it has no valid ids, which OTLP does not allow.

    Raises:
        DecodeError: It is no ``Span`` in protobuf.
    """
    span = Span.FromString(data)
    trace_id, span_id = hex_or_none(span.trace_id, 16), hex_or_none(span.span_id, 8)
    if trace_id is None or span_id is None:
        return None
    events = [_span_event_row(event, trace_id, span_id, origin) for event in span.events]
    return Rows(events, [_span_row(span, trace_id, span_id, origin)])


def _span_event_row(event: Span.Event, trace_id: str, span_id: str, origin: Origin) -> EventRow:
    attributes = plain_attributes(event.attributes)
    return EventRow(
        uid=_uid(attributes),
        signal="span_event",
        time_ns=clamped_ns(event.time_unix_nano) or origin.received_ns,
        observed_ns=None,
        received_ns=origin.received_ns,
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


def _span_row(span: Span, trace_id: str, span_id: str, origin: Origin) -> SpanRow:
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
        received_ns=origin.received_ns,
    )


def _uid(attributes: dict[str, Any]) -> str | None:
    uid = attributes.get(LOG_RECORD_UID)
    return text_or_none(uid) if isinstance(uid, str) else None


def _actor(attributes: dict[str, Any]) -> str | None:
    return text_or_none(attributes.get(USER_ID)) or text_or_none(attributes.get(USER_HASH))
