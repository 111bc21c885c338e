"""A converted event → an event on the active span.

The one place that calls ``Span.add_event``, which the specification means to deprecate in favour of log records
(OpenTelemetry enhancement proposal 4430).
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.trace import TracerProvider

from otel_events import semconv
from otel_events.conversion.record import SpanEvent
from otel_events.version import VERSION


class SpanEmitter:
    """Adds span events to the active span; where none records, a zero-length span named after the event carries it.

    Args:
        provider: Makes those spans: the application's own, or ours.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(semconv.SCOPE_NAME, VERSION, semconv.SCHEMA_URL)

    def emit(self, event: SpanEvent) -> str | None:
        """Bridge an event.

        Returns:
            None, or why it is in no span: ``not_sampled``.
        """
        time_ns = event.time_ns or None
        active = trace.get_current_span()
        if active.is_recording():
            active.add_event(event.name, event.attributes, time_ns)
            return None
        span = self._tracer.start_span(event.name, start_time=time_ns)
        if not span.is_recording():
            return "not_sampled"
        span.add_event(event.name, event.attributes, time_ns)
        span.end(time_ns)
        return None
