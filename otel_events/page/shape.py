"""Rows of the database as the JSON of the page's API. Pure.

JavaScript's numbers hold integers up to 2**53, so times in nanoseconds and attributes that are integers are decimal
text; within lists and maps, integers are text only beyond that bound.
"""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from typing import Any, Final

from otel_events.page.search import SEVERITIES, SEVERITY_RANGE
from otel_events.receiver.values import BYTES_PREFIX

MAX_EXACT_INTEGER: Final = 2**53 - 1

EVENT_COLUMNS: Final = (
    "id, uid, time_ns, time, name, actor, service, severity_number, severity_text, body, trace_id, span_id, attributes"
)


def event_json(row: sqlite3.Row) -> dict[str, Any]:
    """Give a row with :data:`EVENT_COLUMNS` as an event of the API."""
    columns = dict(row)
    return {**columns, "time_ns": str(columns["time_ns"]), "attributes": attributes_json(columns["attributes"])}


def attributes_json(text: str) -> list[dict[str, Any]]:
    """Give a column of attributes as a list of ``{key, type, value}``, in the order in which they were sent."""
    return [{"key": key, **_typed(value)} for key, value in json.loads(text).items()]


def severity_name(number: int) -> str:
    """Give the name of a severity number: that of its range, or the number itself where it is in none."""
    for name, least in SEVERITIES.items():
        if least <= number < least + SEVERITY_RANGE:
            return name
    return str(number)


def ns_or_none(value: int | None) -> str | None:
    """Give nanoseconds as decimal text."""
    return None if value is None else str(value)


def bytes_or_none(text: str) -> bytes | None:
    """Give the bytes that a value is, as the receiver wrote them; None where it is other text."""
    if not text.startswith(BYTES_PREFIX):
        return None
    try:
        return base64.b64decode(text.removeprefix(BYTES_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"type": "null", "value": None}
    if isinstance(value, bool):
        return {"type": "bool", "value": value}
    if isinstance(value, int):
        return {"type": "int", "value": str(value)}
    if isinstance(value, float):
        return {"type": "double", "value": value}
    if isinstance(value, str):
        if bytes_or_none(value) is not None:
            return {"type": "bytes", "value": value.removeprefix(BYTES_PREFIX)}
        return {"type": "string", "value": value}
    return {"type": "map" if isinstance(value, dict) else "array", "value": _exact(value)}


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_EXACT_INTEGER:
        return str(value)
    return value
