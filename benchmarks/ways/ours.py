"""otel-events, on each of its pipelines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import otel_events
from benchmarks.events import events_of
from benchmarks.ways.way import Opening, Sender
from otel_events import Event, EventTracker

FLUSH_SECONDS: Final = 900.0

COMPILED: Final = (
    "otel_events.stamps",
    *(f"otel_events.direct.{name}" for name in ("intake", "journal.pairs", "receipt", "ring", "way")),
)
"""The modules that are loaded where they could be compiled."""


class TrackSender:
    """Tracks from sync code.

    Args:
        opening: What the way is given.
        settings: Arguments of ``configure``.
    """

    def __init__(self, opening: Opening, **settings: Any) -> None:
        self._tracker, self.prepare = _tracker(opening, settings)
        self.call = self._tracker.track

    def send(self, number: int) -> None:
        """Make the event of this number and track it."""
        self.call(self.prepare(number))

    def flush(self) -> None:
        """Wait until all is acknowledged."""
        self._tracker.flush(FLUSH_SECONDS)

    def close(self) -> None:
        """Flush and end."""
        self._tracker.shutdown(FLUSH_SECONDS)


class AsyncTrackSender:
    """Tracks from coroutines. Arguments as in ``TrackSender``."""

    def __init__(self, opening: Opening, **settings: Any) -> None:
        self._tracker, self.prepare = _tracker(opening, settings)
        self.call = self._tracker.track_event

    async def send(self, number: int) -> None:
        """Make the event of this number and track it."""
        await self.call(self.prepare(number))

    def pending(self) -> int:
        """Return how many events wait."""
        pending: int = self._tracker.stats()["otel"]["logs.pending"]
        return pending

    async def flush(self) -> None:
        """Wait until all is acknowledged."""
        self._tracker.flush(FLUSH_SECONDS)

    async def close(self) -> None:
        """Flush and end."""
        self._tracker.shutdown(FLUSH_SECONDS)


def memory_http(opening: Opening) -> Sender:
    """Open the direct pipeline with its queue in memory."""
    return TrackSender(opening, pipeline="direct", protocol="http/protobuf")


def memory_http_python(opening: Opening) -> Sender:
    """Open the same without the compiled modules, as where there was no C compiler."""
    for name in COMPILED:
        sys.modules[name] = None  # type: ignore[assignment] # Python takes it for one that is not there
    return memory_http(opening)


def memory_grpc(opening: Opening) -> Sender:
    """Open the same, over gRPC."""
    return TrackSender(opening, pipeline="direct", protocol="grpc")


def journal_http(opening: Opening) -> Sender:
    """Open the direct pipeline with the journal."""
    return TrackSender(opening, **_journal(opening))


def sdk_http(opening: Opening) -> Sender:
    """Open the pipeline on the SDK."""
    return TrackSender(opening, pipeline="sdk", protocol="http/protobuf")


def sdk_grpc(opening: Opening) -> Sender:
    """Open the same, over gRPC."""
    return TrackSender(opening, pipeline="sdk", protocol="grpc")


async def memory_http_async(opening: Opening) -> Sender:
    """Open the direct pipeline with its queue in memory, for coroutines."""
    return AsyncTrackSender(opening, pipeline="direct", protocol="http/protobuf")


async def journal_http_async(opening: Opening) -> Sender:
    """Open the direct pipeline with the journal, for coroutines."""
    return AsyncTrackSender(opening, **_journal(opening))


def _tracker(opening: Opening, settings: dict[str, Any]) -> tuple[EventTracker, Callable[[int], Event]]:
    """Return a tracker, and what makes the events that it tracks."""
    event_type, event = events_of(opening.workload)
    tracker = otel_events.configure(
        event_types=[event_type], endpoint=opening.endpoint, service_name=opening.service, **settings
    )
    return tracker, event


def _journal(opening: Opening) -> dict[str, Any]:
    directory = opening.folder / "journal"
    return {"pipeline": "direct", "protocol": "http/protobuf", "delivery": "journal", "journal": directory}
