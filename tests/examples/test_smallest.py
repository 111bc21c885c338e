"""The smallest example: both of its events arrive over OTLP as log records."""

from __future__ import annotations

from otel_events.receiver import Receiver
from tests.examples.running import arrived, promised_output, run_example


def test_its_events_arrive(receiver: Receiver, environ: dict[str, str]) -> None:
    assert run_example("smallest.py", environ) == promised_output("smallest.py")
    first, second = arrived(receiver, 2)
    assert (first.name, second.name) == ("order-placed", "order-placed")
    assert (first.signal, first.severity_text, first.scope) == ("log", "INFO", "otel_events")
    assert (first.actor, second.actor) == ("alice", None)
    assert first.body == "order-placed by alice: order_id=o-1 total=9.99"
    assert dict(first.attributes) == {
        "log.record.uid": first.uid,
        "user.id": "alice",
        "app.order_id": "o-1",
        "app.total": "9.99",
    }
    assert dict(second.attributes) == {"log.record.uid": second.uid, "app.order_id": "o-2", "app.total": "1"}
