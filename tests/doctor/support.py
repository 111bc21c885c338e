"""What the doctor's tests share."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from otel_events.doctor.arrival import Arrival
from otel_events.doctor.canary import Flight, send_canary
from otel_events.doctor.check import Check, Mark
from otel_events.settings import Settings, resolve

PLANTED = "planted-4711-secret"
"""Stands wherever a secret may: it must never be shown."""


def make_flight(**changes: Any) -> Flight:
    """Make a canary, changed by the fields given."""
    canary = changes.get("canary", "c0ffee0123456789")
    flight = Flight(
        canary=canary,
        name="otel-events.doctor",
        body=f"canary {canary} of otel-events doctor",
        attributes={"user.id": "x", "otel_events.doctor.canary": canary, "n": 42, "alive": True},
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        started_ns=time.time_ns(),
        accepted=("logs", "traces"),
    )
    return replace(flight, **changes)


def make_arrival(flight: Flight, signal: str = "logs", **changes: Any) -> Arrival:
    """Make the arrival of a canary, complete but for the changes given."""
    attributes = {
        **{key: str(value) for key, value in flight.attributes.items()},
        "alive": "true",
        "log.record.uid": "u",
    }
    body = flight.body if signal == "logs" else ""
    return Arrival(signal, flight.name, body, attributes, flight.trace_id, flight.span_id)._replace(**changes)


def as_log_line(flight: Flight, **changes: Any) -> str:
    """Write a canary as the file exporter writes a log record, changed by the OTLP fields given."""
    record: Mapping[str, Any] = {
        "eventName": flight.name,
        "body": {"stringValue": flight.body},
        "attributes": [
            {"key": "user.id", "value": {"stringValue": "x"}},
            {"key": "otel_events.doctor.canary", "value": {"stringValue": flight.canary}},
            {"key": "n", "value": {"intValue": "42"}},
            {"key": "alive", "value": {"boolValue": True}},
            {"key": "log.record.uid", "value": {"stringValue": "u"}},
        ],
        "traceId": flight.trace_id,
        "spanId": flight.span_id,
        **changes,
    }
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}) + "\n"


def sent(environ: Mapping[str, str]) -> tuple[Settings, Flight]:
    """Send a canary on both signals, and check that it was accepted."""
    settings = resolve({"signals": "logs,traces"}, environ)
    checks, flight = send_canary(settings, settings.signals)
    assert [check.mark for check in checks] == [Mark.OK, Mark.OK], checks
    return settings, flight


def arrivals(found: list[Arrival] | str) -> list[Arrival]:
    """Return what was found, where one could look."""
    assert not isinstance(found, str), found
    return found


def written(path: Path, *lines: str) -> Path:
    """Write a file."""
    path.write_text("".join(lines), encoding="utf-8")
    return path


def only(checks: list[Check]) -> Check:
    """Return the only one."""
    [check] = checks
    return check
