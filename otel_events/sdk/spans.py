"""A converted event → an event on the active span.

The one place that calls ``Span.add_event``, which the specification means to deprecate in favour of log records
(OpenTelemetry enhancement proposal 4430).
"""

from __future__ import annotations

import enum

from opentelemetry import trace
from opentelemetry.trace import TracerProvider

from otel_events import semconv
from otel_events.conversion.record import SpanEvent
from otel_events.version import VERSION


class Bridged(enum.Enum):
    """Where an event went."""

    ACTIVE_SPAN = "the active span"
    OWN_SPAN = "a span of its own"
    NOT_SAMPLED = "no span: a sampler left it out"


class SpanEmitter:
    """Adds span events to the active span; where none records, a zero-length span named after the event carries it.

    Args:
        provider: Makes those spans: the application's own, or ours.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(semconv.SCOPE_NAME, VERSION, semconv.SCHEMA_URL)

    def emit(self, event: SpanEvent) -> Bridged:
        """Bridge an event, and say where it went."""
        time_ns = event.time_ns or None
        active = trace.get_current_span()
        if active.is_recording():
            active.add_event(event.name, event.attributes, time_ns)
            return Bridged.ACTIVE_SPAN
        span = self._tracer.start_span(event.name, start_time=time_ns)
        if not span.is_recording():
            return Bridged.NOT_SAMPLED
        span.add_event(event.name, event.attributes, time_ns)
        span.end(time_ns)
        return Bridged.OWN_SPAN
