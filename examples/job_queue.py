"""Jobs in the background: the message carries the actor, so that what a worker does is known to be done for somebody.

A worker's thread or process has a context of its own, in which nobody acts. What a request enqueues therefore takes its
actor along, as JSON, the way it would be sent through Redis or RabbitMQ to Celery, RQ or Dramatiq.
Run it beside a collector (`otel-events view` is one)::

    python examples/job_queue.py

It prints::

    report for alice done
    report for bob done
    report for nobody done
    Outcome(sent=3, pending=0, lost=0)
"""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass

import otel_events
from otel_events import Event


@dataclass
class ReportMade(Event):
    """A report was made in the background."""

    name = "report-made"
    namespace = "shop"
    report: str


tracker = otel_events.configure(event_types=[ReportMade], service_name="shop-worker")
messages: queue.Queue[str | None] = queue.Queue()


def enqueue(job: str, **arguments: str) -> None:
    """Put a job on the queue, with the actor of here and now."""
    actor = otel_events.current_actor()
    messages.put(json.dumps({"job": job, "arguments": arguments, "actor": None if actor is None else dict(actor)}))


def make_report(report: str) -> None:
    tracker.track(ReportMade(report))
    actor = otel_events.current_actor()
    print(f"report for {'nobody' if actor is None else actor['id']} done")


JOBS = {"make_report": make_report}


def work() -> None:
    """Take jobs from the queue, each as its actor, until there is a None."""
    while (text := messages.get()) is not None:
        message = json.loads(text)
        with otel_events.actor(message["actor"]):
            JOBS[message["job"]](**message["arguments"])


if __name__ == "__main__":
    worker = threading.Thread(target=work)
    worker.start()
    with otel_events.actor({"id": "alice", "name": "Alice"}):
        enqueue("make_report", report="sales")
    with otel_events.actor("bob"):
        enqueue("make_report", report="stock")
    enqueue("make_report", report="nightly")
    messages.put(None)
    worker.join()
    print(tracker.shutdown(timeout=5.0))
