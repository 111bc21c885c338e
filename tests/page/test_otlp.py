"""Stored events as OTLP JSON come back as they were when this receiver takes them in again."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_events.page.otlp import request_of
from otel_events.receiver.decode import Decoding
from otel_events.receiver.rows import EventRow
from otel_events.receiver.signals import SIGNALS
from otel_events.receiver.values import json_text
from tests.page.support import SECOND, SPAN_ID, TIME_NS, TRACE_ID, database, event_row

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.just("base64:AQ=="),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
names = st.none() | st.sampled_from(("shop", "a b", "é"))
rows = st.builds(
    event_row,
    st.dictionaries(texts, values, max_size=3),
    actor=st.none(),
    name=names,
    observed_ns=st.none() | st.just(TIME_NS + 1),
    severity_number=st.none() | st.integers(1, 24),
    severity_text=names,
    body=names,
    trace_id=st.none() | st.just(TRACE_ID),
    scope=names,
    scope_version=names,
    service=st.just("shop"),
    dropped_attributes=st.integers(0, 3),
)


def stored(events: list[EventRow]) -> list[sqlite3.Row]:
    with database(events) as connection:
        return connection.execute("SELECT * FROM events ORDER BY id").fetchall()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows, max_size=4))
def test_they_come_back_as_they_were(events: list[EventRow]) -> None:
    [logs] = [signal for signal in SIGNALS if signal.holds == "log records"]
    request = logs.from_json(json.dumps(request_of(stored(events))).encode())
    decoding = Decoding(request, logs.holds, received_ns=TIME_NS + SECOND, max_records=100)
    back = [row for rows in decoding for row in rows.events]
    assert [EventRow(*row) for row in back] == [
        event._replace(attributes=json_text(json.loads(event.attributes))) for event in events
    ]


def test_the_form_is_that_of_the_specification() -> None:
    attributes: dict[str, Any] = {"n": 5, "raw": "base64:AQ==", "list": [1.5, None], "map": {"a": True}}
    [event] = stored([event_row(attributes, trace_id=TRACE_ID, span_id=SPAN_ID, observed_ns=TIME_NS)])
    [resource] = request_of([event])["resourceLogs"]
    [scope] = resource["scopeLogs"]
    assert resource["resource"] == {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    assert scope["scope"] == {"name": "otel_events", "version": "1.0"}
    assert scope["logRecords"] == [
        {
            "timeUnixNano": str(TIME_NS),
            "observedTimeUnixNano": str(TIME_NS),
            "severityNumber": 9,
            "severityText": "INFO",
            "eventName": "order-placed",
            "body": {"stringValue": "an order was placed"},
            "attributes": [
                {"key": "n", "value": {"intValue": "5"}},
                {"key": "raw", "value": {"bytesValue": "AQ=="}},
                {"key": "list", "value": {"arrayValue": {"values": [{"doubleValue": 1.5}, {}]}}},
                {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}},
            ],
            "traceId": TRACE_ID,
            "spanId": SPAN_ID,
        }
    ]


def test_events_that_follow_each_other_share_resource_and_scope() -> None:
    events = [event_row(), event_row(), event_row(scope="other"), event_row()]
    assert [len(resource["scopeLogs"][0]["logRecords"]) for resource in request_of(stored(events))["resourceLogs"]] == [
        2,
        1,
        1,
    ]
