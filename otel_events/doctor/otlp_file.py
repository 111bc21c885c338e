"""Looking for a canary in a file of OTLP JSON lines, as the Collector's file exporter writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from otel_events.doctor.arrival import Arrival, as_text
from otel_events.doctor.canary import Flight

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
    for record in _items(line, "resourceLogs", "scopeLogs", "logRecords"):
        body = _text(record.get("body", {}))
        yield from _if_it_is(
            flight,
            Arrival("logs", record.get("eventName", ""), body, _attributes(record), *_ids(record)),
        )
    for span in _items(line, "resourceSpans", "scopeSpans", "spans"):
        for event in span.get("events", ()):
            yield from _if_it_is(flight, Arrival("traces", event.get("name", ""), "", _attributes(event), *_ids(span)))


def _if_it_is(flight: Flight, arrival: Arrival) -> Iterator[Arrival]:
    has_its_number = flight.canary in arrival.body or flight.canary in arrival.attributes.values()
    if has_its_number or (arrival.trace_id == flight.trace_id and arrival.name in ("", flight.name)):
        yield arrival


def _items(line: Mapping[str, Any], resources: str, scopes: str, items: str) -> Iterator[Mapping[str, Any]]:
    for resource in line.get(resources, ()):
        for scope in resource.get(scopes, ()):
            yield from scope.get(items, ())


def _ids(item: Mapping[str, Any]) -> tuple[str, str]:
    return item.get("traceId", ""), item.get("spanId", "")


def _attributes(item: Mapping[str, Any]) -> dict[str, str]:
    return {pair["key"]: _text(pair.get("value", {})) for pair in item.get("attributes", ())}


def _text(value: Mapping[str, Any]) -> str:
    """Return an OTLP ``AnyValue`` as a text; that of a list or a map is of no use here."""
    return next((as_text(content) for content in value.values()), "")
