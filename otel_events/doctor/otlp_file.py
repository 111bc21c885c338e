"""Looking for a canary in a file of OTLP JSON lines, as the Collector's file exporter writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from otel_events.doctor.arrival import Arrival
from otel_events.doctor.canary import Flight
from otel_events.verification.otlp_json import attributes, scopes, text_of

_MAX_BYTES: Final = 8 * 1024 * 1024
"""So much is read, from the end of the file."""

_KEYS: Final = {"logs": b'"resourceLogs"', "traces": b'"resourceSpans"'}


def find_in_file(path: Path, flight: Flight) -> list[Arrival] | str:
    """Return the canary's log record or span event, or why the file could not be read.

    Args:
        path: The file.
        flight: What is looked for.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _MAX_BYTES, 0))
            text = file.read(_MAX_BYTES)
    except OSError as error:
        return f"{error.strerror or type(error).__name__}"
    marks = (flight.canary.encode(), flight.trace_id.encode())
    lines = [line for line in text.splitlines() if any(mark in line for mark in marks)]
    try:
        arrivals = [arrival for line in lines for arrival in _arrivals(json.loads(line), flight)]
    except (ValueError, RecursionError):
        # The last line may not be written to its end yet, and the first may be cut; else it will be no better later.
        return "a line with the canary is no OTLP JSON: the file exporter has to write with format: json"
    except (AttributeError, KeyError, TypeError):
        return "a line with the canary is JSON of another form than OTLP has"
    return arrivals or _why_not(text, flight)


def _why_not(text: bytes, flight: Flight) -> list[Arrival] | str:
    """Say of a file without the canary whether it could have been there."""
    held = [signal for signal, key in _KEYS.items() if key in text]
    if text and not held:
        return "it is no file of OTLP JSON lines, as the file exporter writes them without compression"
    if held and not set(held) & set(flight.accepted):
        return f"it holds {held[0]}, and the collector was sent none"
    return []


def _arrivals(line: Mapping[str, Any], flight: Flight) -> Iterator[Arrival]:
    for _, scope in scopes(line, "resourceLogs", "scopeLogs"):
        for record in scope.get("logRecords", ()):
            name, body = record.get("eventName", ""), text_of(record.get("body", {}))
            yield from _if_it_is(flight, Arrival("logs", name, body, attributes(record), *_ids(record)))
    for _, scope in scopes(line, "resourceSpans", "scopeSpans"):
        for span in scope.get("spans", ()):
            for event in span.get("events", ()):
                name = event.get("name", "")
                yield from _if_it_is(flight, Arrival("traces", name, "", attributes(event), *_ids(span)))


def _if_it_is(flight: Flight, arrival: Arrival) -> Iterator[Arrival]:
    has_its_number = flight.canary in arrival.body or flight.canary in arrival.attributes.values()
    if has_its_number or (arrival.trace_id == flight.trace_id and arrival.name in ("", flight.name)):
        yield arrival


def _ids(item: Mapping[str, Any]) -> tuple[str, str]:
    return item.get("traceId", ""), item.get("spanId", "")
