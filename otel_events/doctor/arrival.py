"""A canary as it arrived somewhere, and what is missing of it."""

from __future__ import annotations

from typing import NamedTuple

from otel_events import semconv
from otel_events.doctor.canary import Flight
from otel_events.verification.record import as_text


class Arrival(NamedTuple):
    """A canary that was found.

    Args:
        signal: On which it came.
        name: The event's name there, "" where there is none.
        body: The body there, "" where there is none.
        attributes: The attributes there, as texts.
        trace_id: Lower-case hex, "" where there is none.
        span_id: Likewise.
    """

    signal: str
    name: str
    body: str
    attributes: dict[str, str]
    trace_id: str
    span_id: str

    def missing(self, flight: Flight) -> list[str]:
        """Return the parts of the canary that did not arrive as they were sent, in words."""
        parts = []
        if self.name != flight.name:
            parts.append("event name")
        if self.signal == "logs" and self.body != flight.body:
            parts.append("body")
        lost = [key for key, value in flight.attributes.items() if self.attributes.get(key) != as_text(value)]
        if not self.attributes.get(semconv.LOG_RECORD_UID):
            lost.append(semconv.LOG_RECORD_UID)
        if lost:
            parts.append(f"attribute{'s' if len(lost) > 1 else ''} {', '.join(lost)}")
        if self.trace_id != flight.trace_id:
            parts.append("trace id")
        if self.span_id != flight.span_id:
            parts.append("span id")
        return parts
