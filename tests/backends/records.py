"""OTLP JSON lines, as the Collector's file exporter writes them, as plain data.

The encoding is that of the OTLP specification, "JSON Protobuf Encoding": ids in hex, 64-bit integers as strings.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LogRecord:
    """A log record that arrived; ids are lower-case hex, "" where there is none; times are nanoseconds since 1970."""

    event_name: str
    body: Any
    severity_number: int
    severity_text: str
    attributes: dict[str, Any]
    time_unix_nano: int
    observed_time_unix_nano: int
    trace_id: str
    span_id: str
    flags: int
    resource: dict[str, Any]
    scope_name: str
    scope_version: str
    schema_url: str


@dataclass(frozen=True)
class SpanEvent:
    """An event inside a span that arrived; its time is nanoseconds since 1970."""

    name: str
    time_unix_nano: int
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Span:
    """A span that arrived; ids are lower-case hex, "" where there is none; times are nanoseconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: dict[str, Any]
    events: list[SpanEvent]
    resource: dict[str, Any]
    scope_name: str
    scope_version: str
    schema_url: str


def complete_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file that is still written to, without one whose end is not there yet."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def log_records(lines: Iterable[bytes]) -> Iterator[LogRecord]:
    """Yield the log records of OTLP JSON lines, in their order."""
    for record, resource, scope, schema_url in _items(lines, "resourceLogs", "scopeLogs", "logRecords"):
        yield LogRecord(
            event_name=record.get("eventName", ""),
            body=python_value(record.get("body", {})),
            severity_number=record.get("severityNumber", 0),
            severity_text=record.get("severityText", ""),
            attributes=python_attributes(record.get("attributes", ())),
            time_unix_nano=int(record.get("timeUnixNano", 0)),
            observed_time_unix_nano=int(record.get("observedTimeUnixNano", 0)),
            trace_id=record.get("traceId", ""),
            span_id=record.get("spanId", ""),
            flags=record.get("flags", 0),
            resource=resource,
            scope_name=scope.get("name", ""),
            scope_version=scope.get("version", ""),
            schema_url=schema_url,
        )


def spans(lines: Iterable[bytes]) -> Iterator[Span]:
    """Yield the spans of OTLP JSON lines, in their order, with their events."""
    for span, resource, scope, schema_url in _items(lines, "resourceSpans", "scopeSpans", "spans"):
        yield Span(
            name=span.get("name", ""),
            trace_id=span.get("traceId", ""),
            span_id=span.get("spanId", ""),
            parent_span_id=span.get("parentSpanId", ""),
            start_time_unix_nano=int(span.get("startTimeUnixNano", 0)),
            end_time_unix_nano=int(span.get("endTimeUnixNano", 0)),
            attributes=python_attributes(span.get("attributes", ())),
            events=[
                SpanEvent(
                    name=event.get("name", ""),
                    time_unix_nano=int(event.get("timeUnixNano", 0)),
                    attributes=python_attributes(event.get("attributes", ())),
                )
                for event in span.get("events", ())
            ],
            resource=resource,
            scope_name=scope.get("name", ""),
            scope_version=scope.get("version", ""),
            schema_url=schema_url,
        )


def python_attributes(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a list of OTLP key-value pairs as a dict.

    Raises:
        ValueError: a key is there twice, which OTLP forbids.
    """
    attributes = {pair["key"]: python_value(pair.get("value", {})) for pair in pairs}
    if len(attributes) != len(pairs):
        raise ValueError(f"a key is there twice among the attributes {[pair['key'] for pair in pairs]}")
    return attributes


def python_value(value: Mapping[str, Any]) -> Any:
    """Return an OTLP AnyValue as the Python value it stands for; an empty one is None."""
    for kind, content in value.items():
        if kind == "intValue":
            return int(content)
        if kind == "doubleValue":
            # NaN and the infinities come as strings.
            return float(content)
        if kind == "bytesValue":
            return base64.b64decode(content)
        if kind == "arrayValue":
            return [python_value(item) for item in content.get("values", ())]
        if kind == "kvlistValue":
            return python_attributes(content.get("values", ()))
        return content
    return None


def _items(
    lines: Iterable[bytes], resources_key: str, scopes_key: str, items_key: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]]:
    """Yield every item with its resource's attributes, its scope and its schema URL."""
    for line in lines:
        for by_resource in json.loads(line).get(resources_key, ()):
            resource = python_attributes(by_resource.get("resource", {}).get("attributes", ()))
            for by_scope in by_resource.get(scopes_key, ()):
                scope = by_scope.get("scope", {})
                for item in by_scope.get(items_key, ()):
                    yield item, resource, scope, by_scope.get("schemaUrl", "")
