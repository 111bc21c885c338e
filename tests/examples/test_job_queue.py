"""The example with a job queue: what the worker tracks arrives with the actor that enqueued the job."""

from __future__ import annotations

from otel_events.receiver import Receiver
from tests.examples.running import arrived, promised_output, run_example


def test_its_events_arrive_with_the_actor_who_enqueued_them(receiver: Receiver, environ: dict[str, str]) -> None:
    assert run_example("job_queue.py", environ) == promised_output("job_queue.py")
    events = arrived(receiver, 3)
    assert [(event.attributes["shop.report"], event.actor) for event in events] == [
        ("sales", "alice"),
        ("stock", "bob"),
        ("nightly", None),
    ]
    assert events[0].attributes["user.name"] == "Alice"
