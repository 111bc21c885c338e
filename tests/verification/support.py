"""What the tests of verification share: lines as the Collector writes them, made by hand, and a real pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import otel_events
from otel_events import semconv
from otel_events.direct.checkpoint import Checkpoint
from otel_events.verification.report import Report, StreamReport
from tests.sdk.support import Ping

STREAM = "ABCDEFGH"
FINE = Checkpoint(STREAM, 10, 10, 0, {}, 0, final=True)

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uid_of(number: int, stream: str = STREAM) -> str:
    """Return the uid of a stream's event."""
    return "01ARYZ6S41" + stream + "".join(_DIGITS[number >> shift & 31] for shift in range(35, -1, -5))


def attribute(key: str, value: Any) -> Mapping[str, Any]:
    """Return an attribute as OTLP JSON has it."""
    if isinstance(value, bool):
        return {"key": key, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    return {"key": key, "value": {"stringValue": value}}


def event(number: int, stream: str = STREAM) -> dict[str, Any]:
    """Return an event's log record."""
    attributes = [attribute("test.number", number), attribute(semconv.LOG_RECORD_UID, uid_of(number, stream))]
    return {"eventName": "ping", "body": {"stringValue": "ping"}, "attributes": attributes}


def checkpoint_attributes(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint's attributes, as they are documented."""
    return {
        "otel_events.stream": checkpoint.stream,
        "otel_events.emitted": checkpoint.emitted,
        "otel_events.delivered": checkpoint.delivered,
        "otel_events.pending": checkpoint.pending,
        "otel_events.dead_letters": checkpoint.dead_letters,
        "otel_events.dropped.total": sum(checkpoint.dropped.values()),
        **{f"otel_events.dropped.{reason}": count for reason, count in checkpoint.dropped.items()},
        "otel_events.final": checkpoint.final,
    }


def said(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint's log record."""
    pairs = [attribute(key, value) for key, value in checkpoint_attributes(checkpoint).items()]
    return {"eventName": "otel_events.checkpoint", "attributes": pairs}


def line(
    *records: Mapping[str, Any], service: str = "shop", instance: str = "i1", scope: str = semconv.SCOPE_NAME
) -> str:
    """Return a line with log records of one resource and one scope."""
    resource = [attribute("service.name", service), attribute("service.instance.id", instance)]
    scoped = {"scope": {"name": scope}, "logRecords": list(records)}
    return json.dumps({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [scoped]}]}) + "\n"


def events(numbers: Iterable[int], stream: str = STREAM) -> str:
    """Return a line with a stream's events."""
    return line(*(event(number, stream) for number in numbers))


def written(path: Path, *lines: str) -> Path:
    """Write a file."""
    path.write_text("".join(lines), encoding="utf-8")
    return path


def edited(source: Path, target: Path, edit: Callable[[list[Any]], list[Any]]) -> Path:
    """Copy a file of OTLP JSON lines; what stands in the place of each list of log records is what ``edit`` makes of it."""
    lines = []
    for text in source.read_text(encoding="utf-8").splitlines():
        content = json.loads(text)
        for resource in content["resourceLogs"]:
            for scope in resource["scopeLogs"]:
                scope["logRecords"] = edit(scope["logRecords"])
        lines.append(json.dumps(content) + "\n")
    return written(target, *lines)


def number_of(record: Mapping[str, Any]) -> int | None:
    """Return which ``Ping`` it was; None for another record."""
    values = [pair["value"] for pair in record["attributes"] if pair["key"] == "test.number"]
    return int(values[0]["intValue"]) if values else None


def track(count: int, service: str, **arguments: Any) -> None:
    """Track so many events ``Ping`` on the direct pipeline, and end it."""
    tracker = otel_events.configure(
        event_types=[Ping], pipeline="direct", service_name=service, environ={}, **arguments
    )
    for number in range(count):
        tracker.track(Ping(number=number))
    outcome = tracker.shutdown()
    assert (outcome.pending, outcome.lost) == (0, 0)


def only(report: Report) -> StreamReport:
    """Return the only stream of a report."""
    [stream] = report.streams
    return stream
