"""The example with an SDK of its own: events arrive through its providers, with its resource, in its spans."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from otel_events.receiver import Receiver
from tests.examples.running import arrived, promised_output, run_example


def test_its_events_arrive_with_its_resource_and_in_its_spans(receiver: Receiver, environ: dict[str, str]) -> None:
    assert run_example("own_sdk.py", environ) == promised_output("own_sdk.py")
    first, second = arrived(receiver, 2)
    for event in (first, second):
        assert event.signal == "log"  # The span event of the same uid was merged into it.
        assert event.service == "shop"
        assert event.resource["deployment.environment.name"] == "staging"
        assert event.actor == "alice"
    with closing(sqlite3.connect(receiver.store.path)) as connection:
        spans = connection.execute("SELECT name, trace_id, span_id, service FROM spans ORDER BY start_ns").fetchall()
    assert spans == [
        ("POST /orders", first.trace_id, first.span_id, "shop"),
        ("order-placed", second.trace_id, second.span_id, "shop"),
    ]
