"""A day of an application, in seconds, as a process of its own: all that the dashboards show, trouble included.

Standard input is a line of JSON: `collector`, `refusing` and `nowhere` (endpoints), `service`, `folder`, `actor`. It goes on
until that ends; then standard output is a line of JSON with the ids of the traces, and what became of the events that go to
`collector`.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import otel_events
from otel_events import (
    AlterTable,
    CreateToken,
    DeleteRow,
    DropTable,
    EventTracker,
    InsertRows,
    Login,
    LoginFailed,
    PermissionDenied,
)

ROUND_SECONDS = 0.5
SHUTDOWN_SECONDS = 5.0


def main() -> None:
    """Do what the options say."""
    options: dict[str, Any] = json.loads(sys.stdin.readline())
    ended = threading.Event()
    threading.Thread(target=wait_for_end, args=[ended], daemon=True).start()

    names = {"service.namespace": "acme", "service.name": options["service"], "service.instance.id": "one"}
    resource = Resource(names)
    exporter = OTLPMetricExporter(f"{options['collector']}/v1/metrics")
    readings = PeriodicExportingMetricReader(exporter, export_interval_millis=500)
    meter_provider = MeterProvider([readings], resource)
    metrics.set_meter_provider(meter_provider)
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{options['collector']}/v1/traces")))

    main_tracker = tracker(options, "collector", journal=True)
    # Its events wait on disk; those of the next are refused; the last one has no journal, and hardly any room.
    waiting, refused, full = (
        tracker(options, "nowhere", journal=True),
        tracker(options, "refusing", journal=True),
        tracker(options, "nowhere", journal=False, OTEL_BLRP_MAX_QUEUE_SIZE="3"),
    )
    trace_ids = []
    while not ended.wait(ROUND_SECONDS):
        with spans.get_tracer("day").start_as_current_span("request") as span:
            trace_ids.append(f"{span.get_span_context().trace_id:032x}")
            with otel_events.request({"client.address": "192.0.2.7"}):
                one_round(main_tracker, options["actor"])
        for trouble in (waiting, refused, full):
            trouble.track(Login(actor="alice"))

    # The last reading, while all of that is still so.
    meter_provider.force_flush()
    outcome = main_tracker.shutdown(SHUTDOWN_SECONDS)
    print(json.dumps({"trace_ids": trace_ids, "sent": outcome.sent, "pending": outcome.pending}), flush=True)
    meter_provider.shutdown()
    for trouble in (waiting, refused, full):
        trouble.shutdown(0)


def wait_for_end(ended: threading.Event) -> None:
    """Wait for the end of standard input."""
    sys.stdin.read()
    ended.set()


def tracker(options: dict[str, Any], endpoint: str, *, journal: bool, **environ: str) -> EventTracker:
    """Make a tracker of the direct pipeline."""
    folder = Path(options["folder"]) / endpoint
    return otel_events.configure(
        event_types=otel_events.BUILTIN_EVENTS,
        pipeline="direct",
        delivery="journal" if journal else "memory",
        journal=folder,
        endpoint=options[endpoint],
        service_name=options["service"],
        environ={"OTEL_BLRP_SCHEDULE_DELAY": "100", **environ},
    )


def one_round(events: EventTracker, actor: str) -> None:
    """Track what happens in a moment; everything of the actor, and something of others."""
    for who in ("alice", actor):
        events.track(Login(actor=who))
        events.track(InsertRows(actor=who, database="shop", table="orders", num_rows=7))
        events.track(DropTable(actor=who, database="shop", table="orders"))
        events.track(AlterTable(actor=who, database="shop", table="orders"))
        events.track(DeleteRow(actor=who, database="shop", table="orders", pks=[1]))
        events.track(CreateToken(actor=who, expires_after=3600))
        events.track(LoginFailed(actor=who, reason="wrong password"))
        events.track(PermissionDenied(actor=who, action="drop-table", resource="shop/orders", reason="not an admin"))
    events.track(LoginFailed(reason="no such user"))


if __name__ == "__main__":
    main()
