"""An application with its own OpenTelemetry SDK: events go through its providers, with its resource, into its spans.

Nothing is configured twice: `configure()` finds the providers that the application has set, and sets none itself.
Run it beside a collector (`otel-events view` is one)::

    python examples/own_sdk.py

It prints what the application's SDK was given: a log record and a span event in one span; whether they arrived is
the SDK's affair, so the outcome is unknown::

    2 events, Outcome(sent=None, pending=None, lost=None)
"""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry import _logs, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import otel_events
from otel_events import Event


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    namespace = "shop"
    order_id: str


def set_up_sdk() -> tuple[LoggerProvider, TracerProvider]:
    """Do what an application with its own SDK does anyway."""
    resource = Resource.create({"service.name": "shop", "deployment.environment.name": "staging"})
    logs, traces = LoggerProvider(resource), TracerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _logs.set_logger_provider(logs)
    trace.set_tracer_provider(traces)
    return logs, traces


def main() -> None:
    logs, traces = set_up_sdk()
    tracker = otel_events.configure(event_types=[OrderPlaced], signals="logs,traces")

    with trace.get_tracer("shop").start_as_current_span("POST /orders"):
        tracker.track(OrderPlaced("o-1", actor="alice"))
    tracker.track(OrderPlaced("o-2", actor="alice"))  # Outside of any span, it gets one of its own.

    print(f"{tracker.stats()['tracked']} events, {tracker.flush()}")
    logs.shutdown()
    traces.shutdown()


if __name__ == "__main__":
    main()
