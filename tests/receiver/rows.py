"""Rows for the tests of the database, with everything that a test does not name left empty."""

from __future__ import annotations

from typing import Any

from otel_events.receiver.rows import EventRow, SpanRow
from tests.receiver.support import SPAN_ID, TIME_NS, TRACE_ID


def event(uid: str | None = None, **fields: Any) -> EventRow:
    """Make a row of ``events``: a log record of :data:`TIME_NS`."""
    empty: dict[str, Any] = dict.fromkeys(EventRow._fields)
    given = {"signal": "log", "time_ns": TIME_NS, "received_ns": TIME_NS, "dropped_attributes": 0}
    return EventRow(**{**empty, **given, "attributes": "{}", "resource": "{}", "uid": uid, **fields})


def span(span_id: str = SPAN_ID, **fields: Any) -> SpanRow:
    """Make a row of ``spans``."""
    empty: dict[str, Any] = dict.fromkeys(SpanRow._fields)
    given = {"trace_id": TRACE_ID, "span_id": span_id, "name": "s", "start_ns": 1, "end_ns": 2, "received_ns": 3}
    return SpanRow(**{**empty, **given, "status": "unset", "attributes": "{}", "resource": "{}", **fields})
