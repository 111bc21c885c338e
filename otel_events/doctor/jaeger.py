"""Looking for a canary in Jaeger, over the query API of its web page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_events.doctor.arrival import Arrival
from otel_events.doctor.canary import Flight
from otel_events.verification.fetch import fetch
from otel_events.verification.record import as_text


def find_in_jaeger(url: str, flight: Flight, *, certificate: str | None, timeout: float) -> list[Arrival] | str:
    """Return the canary's span event, or why Jaeger could not be asked.

    Args:
        url: Jaeger's, such as ``http://localhost:16686``.
        flight: What is looked for.
        certificate: A PEM file of authorities to trust beside the system's.
        timeout: Seconds for each step of it.
    """
    answer = fetch(url, f"/api/traces/{flight.trace_id}", certificate=certificate, timeout=timeout)
    document = answer.json()
    traces = document.get("data") if isinstance(document, Mapping) else None
    if answer.status == 404 and isinstance(document, Mapping) and "errors" in document:
        return []
    if answer.problem is not None:
        return answer.problem
    if not isinstance(traces, list):
        return "it does not answer as Jaeger's query API does: is it the port of its web page (usually 16686)?"
    try:
        spans = [span for trace in traces for span in trace["spans"]]
        return [
            arrival
            for span in spans
            for event in span["logs"]
            if (arrival := _arrival(span, event, flight)) is not None
        ]
    except (KeyError, TypeError):
        return "it answers with a trace of another form than Jaeger's query API has"


def _arrival(span: Mapping[str, Any], event: Mapping[str, Any], flight: Flight) -> Arrival | None:
    attributes = {field["key"]: as_text(field["value"]) for field in event["fields"]}
    name = attributes.pop("event", "")
    if name != flight.name and flight.canary not in attributes.values():
        return None
    return Arrival("traces", name, "", attributes, span["traceID"], span["spanID"])
