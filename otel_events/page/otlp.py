"""Stored events as OTLP JSON: log records that a Collector's ``otlpjson`` encoding and this receiver take back.

One request is ``ExportLogsServiceRequest`` in the JSON of OTLP 1.x ("JSON Protobuf Encoding"): ids are hex digits and
64-bit integers decimal text. What the database does not tell apart comes back as text: NaN and the infinities, and a
body that was no text. Span events come as log records within their trace.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from otel_events.page.shape import bytes_or_none

_ORIGIN = ("resource", "scope", "scope_version")


def request_of(rows: Iterable[sqlite3.Row]) -> dict[str, Any]:
    """Give rows of ``events``, all columns of them, as one request; those that follow each other share what they can."""
    resources = []
    for (resource, scope, version), records in groupby(rows, key=lambda row: tuple(row[column] for column in _ORIGIN)):
        named = {"name": scope, "version": version}
        scope_logs = {
            "scope": {key: value for key, value in named.items() if value is not None},
            "logRecords": [_record(row) for row in records],
        }
        resources.append({"resource": {"attributes": _attributes(resource)}, "scopeLogs": [scope_logs]})
    return {"resourceLogs": resources}


def _record(row: sqlite3.Row) -> dict[str, Any]:
    fields = {
        "timeUnixNano": str(row["time_ns"]),
        "observedTimeUnixNano": None if row["observed_ns"] is None else str(row["observed_ns"]),
        "severityNumber": row["severity_number"],
        "severityText": row["severity_text"],
        "eventName": row["name"],
        "body": None if row["body"] is None else {"stringValue": row["body"]},
        "attributes": _attributes(row["attributes"]),
        "droppedAttributesCount": row["dropped_attributes"] or None,
        "traceId": row["trace_id"],
        "spanId": row["span_id"],
    }
    return {key: value for key, value in fields.items() if value is not None}


def _attributes(text: str) -> list[dict[str, Any]]:
    return _key_values(json.loads(text))


def _key_values(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _key_values(value)}}
    data = bytes_or_none(value)
    return {"stringValue": value} if data is None else {"bytesValue": base64.b64encode(data).decode("ascii")}
