"""Looking for a canary in VictoriaLogs, over its query API."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlencode

from otel_events.doctor.arrival import Arrival
from otel_events.doctor.canary import Flight
from otel_events.verification.fetch import fetch

_HOUR_NS: Final = 3_600_000_000_000
_MAX_RECORDS: Final = 10


def find_in_victorialogs(url: str, flight: Flight, *, certificate: str | None, timeout: float) -> list[Arrival] | str:
    """Return the canary's log record, or why VictoriaLogs could not be asked.

    Args:
        url: VictoriaLogs', such as ``http://localhost:9428``.
        flight: What is looked for.
        certificate: A PEM file of authorities to trust beside the system's.
        timeout: Seconds for each step of it.
    """
    # By whatever of it arrived.
    query = f'"otel_events.doctor.canary":="{flight.canary}" or _msg:"{flight.canary}" or trace_id:="{flight.trace_id}"'
    form = {
        "query": query,
        "start": (flight.started_ns - _HOUR_NS) // 1_000_000_000,
        "end": (flight.started_ns + _HOUR_NS) // 1_000_000_000,
        "limit": _MAX_RECORDS,
    }
    answer = fetch(url, "/select/logsql/query", urlencode(form).encode(), certificate=certificate, timeout=timeout)
    if answer.problem is not None:
        return answer.problem
    try:
        return [_arrival(json.loads(line)) for line in answer.text.splitlines() if line.strip()]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "it does not answer as VictoriaLogs does: is it the address of VictoriaLogs (usually port 9428)?"


def _arrival(record: dict[str, Any]) -> Arrival:
    attributes = {str(key): str(value) for key, value in record.items()}
    fields = ("event_name", "_msg", "trace_id", "span_id")
    name, body, trace_id, span_id = (attributes.pop(field, "") for field in fields)
    return Arrival("logs", name, body, attributes, trace_id, span_id)
