"""What belongs to an event: its trace, what its actor did around it and on other days, and SQL that finds its like."""

from __future__ import annotations

import pytest

from otel_events.page import related
from otel_events.page.related import activity, around, one, trace
from otel_events.page.sql import Scope
from otel_events.semconv import CHECKPOINT
from tests.page.support import SECOND, SPAN_ID, TIME_NS, TRACE_ID, database, event_row, span_row

DAY = 86_400 * SECOND


def test_one_event_and_sql_that_finds_its_like() -> None:
    events = [
        event_row(name="it's", actor=None),
        event_row(name=None, actor=None, service=None),
        event_row(name=CHECKPOINT),
    ]
    with database(events) as connection:
        for event_id, others in ((1, ["it's"]), (2, [None])):
            event = one(connection, event_id)
            assert event is not None
            assert [row["name"] for row in connection.execute(event["sql"])] == others
        assert one(connection, 3) is None
        assert one(connection, 4) is None


def test_around_are_the_nearest_of_the_same_actor_newest_first() -> None:
    times = [0, 1, 1, 1, 2, 3]
    events = [event_row(time_ns=TIME_NS + time) for time in times]
    events += [event_row(actor="bob"), event_row(actor=None), event_row(name=CHECKPOINT, time_ns=TIME_NS + 1)]
    with database(events) as connection:
        found = around(connection, 3, 2)
        assert found is not None
        assert [event["id"] for event in found["before"]] == [2, 1]
        assert [event["id"] for event in found["after"]] == [5, 4]
        assert around(connection, 8, 2) == {"before": [], "after": []}
        assert around(connection, 99, 2) is None


def test_a_trace_is_its_spans_and_events_in_the_order_of_time() -> None:
    child = span_row(span_id="aa" * 8, parent_span_id=SPAN_ID, start_ns=TIME_NS + 1, status="error")
    events = [
        event_row(trace_id=TRACE_ID, span_id=SPAN_ID, time_ns=TIME_NS + 5),
        event_row(trace_id=TRACE_ID, time_ns=TIME_NS),
        event_row(trace_id=TRACE_ID, name=CHECKPOINT),
        event_row(),
    ]
    with database(events) as connection:
        columns, marks = ", ".join(child._fields), ", ".join("?" * len(child))
        connection.executemany(f"INSERT INTO spans ({columns}) VALUES ({marks})", [child, span_row()])
        found = trace(connection, TRACE_ID)
        assert trace(connection, "00" * 16) == {"spans": [], "events": []}
    assert [(span["span_id"], span["parent_span_id"], span["status"]) for span in found["spans"]] == [
        (SPAN_ID, None, "unset"),
        ("aa" * 8, SPAN_ID, "error"),
    ]
    assert found["events"] == [
        {"id": 2, "span_id": None, "name": "order-placed", "time_ns": str(TIME_NS), "actor": "alice"},
        {"id": 1, "span_id": SPAN_ID, "name": "order-placed", "time_ns": str(TIME_NS + 5), "actor": "alice"},
    ]


def test_what_an_actor_did_by_day_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        event_row(),
        event_row(name="login", time_ns=TIME_NS + DAY),
        event_row(time_ns=TIME_NS + DAY + 5),
        event_row(name=None, time_ns=TIME_NS + 3 * DAY - 1),
        event_row(actor="bob"),
        event_row(name=CHECKPOINT),
    ]
    with database(events) as connection:
        assert activity(connection, "alice", Scope()) == {
            "actor": "alice",
            "total": 4,
            "first_ns": str(TIME_NS),
            "last_ns": str(TIME_NS + 3 * DAY - 1),
            "days": [
                {"day": "2026-01-01", "counts": {"order-placed": 1}},
                {"day": "2026-01-02", "counts": {"login": 1, "order-placed": 1}},
                {"day": "2026-01-03", "counts": {"": 1}},
            ],
            "names": [
                {"name": "order-placed", "count": 2, "last_ns": str(TIME_NS + DAY + 5)},
                {"name": None, "count": 1, "last_ns": str(TIME_NS + 3 * DAY - 1)},
                {"name": "login", "count": 1, "last_ns": str(TIME_NS + DAY)},
            ],
        }
        assert activity(connection, "alice", Scope(TIME_NS + DAY, TIME_NS + DAY + 1))["total"] == 1
        assert activity(connection, "nobody", Scope())["first_ns"] is None
        monkeypatch.setattr(related, "MAX_DAYS", 2)
        assert [day["day"] for day in activity(connection, "alice", Scope())["days"]] == ["2026-01-02", "2026-01-03"]
