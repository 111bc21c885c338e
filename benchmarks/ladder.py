"""The ways of the comparison as ladders: each rung does what the one below it does, and one thing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from benchmarks.events import events_of
from benchmarks.ways import Opening, official, ours
from otel_events import EventTracker, OTelListener, Outcome, Stamp
from otel_events.direct.encoder import Encoder
from otel_events.settings import resolve


class Rung(NamedTuple):
    """One rung.

    Args:
        adds: What it does more than the one below.
        open: Opens it, and returns what sends the event of a number, and what waits until all is done.
    """

    adds: str
    open: Callable[[Opening], tuple[Callable[[int], Any], Callable[[], Any]]]


def _nothing() -> None:
    pass


# -- otel-events -----------------------------------------------------------------------------------------------------------


class _Discarding:
    """A pipeline that takes events and drops them, encoded or not."""

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder

    def accept(self, event: Any, stamp: Stamp) -> None:
        if self._encoder is not None:
            self._encoder.encode(event, stamp)

    def flush(self, timeout: float) -> Outcome:
        return Outcome(0, 0, 0)

    def shutdown(self, timeout: float) -> Outcome:
        return Outcome(0, 0, 0)

    def stats(self) -> Mapping[str, Any]:
        return {}

    def healthy(self) -> bool:
        return True


def _event(opening: Opening) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    return events_of(opening.workload)[1], _nothing


def _tracker(opening: Opening) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    event_type, event = events_of(opening.workload)
    track = EventTracker([event_type]).track
    return lambda number: track(event(number)), _nothing


def _listener(opening: Opening, *, encode: bool) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    event_type, event = events_of(opening.workload)
    tracker, settings = EventTracker([event_type]), resolve({}, {})
    tracker.register(OTelListener(settings, _Discarding(Encoder(settings.policy) if encode else None)))
    return lambda number: tracker.track(event(number)), _nothing


def _memory(opening: Opening) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    sender = ours.memory_http(opening)
    return sender.send, sender.flush


# -- the SDK ---------------------------------------------------------------------------------------------------------------


class _DiscardingExporter(LogRecordExporter):
    """An exporter that drops the records, encoded or not."""

    def __init__(self, *, encode: bool) -> None:
        self._encode = encode

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._encode:
            encode_logs(batch).SerializeToString()
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        pass


def _record(opening: Opening) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    return official.LogsSender(opening, _DiscardingExporter(encode=False)).prepare, _nothing


def _emit(opening: Opening) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    prepare, emit = _record(opening)[0], LoggerProvider().get_logger("benchmark").emit
    return lambda number: emit(prepare(number)), _nothing


def _processor(opening: Opening, *, encode: bool) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    sender = official.LogsSender(opening, _DiscardingExporter(encode=encode))
    return sender.send, sender.flush


def _sdk(opening: Opening) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    sender = official.logs_http(opening)
    return sender.send, sender.flush


LADDERS: Final[Mapping[str, Sequence[Rung]]] = {
    "memory-http": (
        Rung("making the event", _event),
        Rung("the tracker: checks, counts, calling the hooks", _tracker),
        Rung("the listener: counts, uid, time, span, request", lambda opening: _listener(opening, encode=False)),
        Rung("encoding", lambda opening: _listener(opening, encode=True)),
        Rung("queueing and sending", _memory),
    ),
    "sdk-http": (
        Rung("making the record", _record),
        Rung("emitting: limits, cleaning of attributes", _emit),
        Rung("queueing, with a copy of the record", lambda opening: _processor(opening, encode=False)),
        Rung("encoding", lambda opening: _processor(opening, encode=True)),
        Rung("sending", _sdk),
    ),
}
"""By the names of the ways, which the last rungs are."""
