"""The way in that both transports share: a decoded request goes into the store and gives its answer."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from otel_events.receiver.signals import Signal
from otel_events.receiver.store import Store


@dataclass(frozen=True)
class IntakeStats:
    """What came in since the receiver started.

    Attributes:
        requests: Requests that were stored.
        events: Events that became a new row.
        merged: Copies of an event by its other signal, merged into its row.
        repeated: Events that were in the database already.
        spans: Spans that became a new row.
        rejected: Log records and spans refused with ``partial_success``.
    """

    requests: int = 0
    events: int = 0
    merged: int = 0
    repeated: int = 0
    spans: int = 0
    rejected: int = 0


class Intake:
    """Stores requests and counts what they held. May be used from any thread."""

    def __init__(self, store: Store, *, max_records: int) -> None:
        """Make an intake that counts from zero.

        Args:
            store: Where the rows go.
            max_records: How many records one request may hold; the rest of it is rejected.
        """
        self._store = store
        self._max_records = max_records
        self._lock = threading.Lock()
        self._stats = IntakeStats()

    def take(self, signal: Signal, request: Message) -> Message:
        """Store a request.

        Args:
            signal: The signal that the request is of.
            request: The request, of the class ``signal.request``.

        Returns:
            The answer: with ``partial_success`` set only where something was rejected.

        Raises:
            sqlite3.Error: The database cannot take it now; nothing of the request is stored.
        """
        batch = signal.decode(request, received_ns=time.time_ns(), max_records=self._max_records)
        added = self._store.add(batch.events, batch.spans)
        with self._lock:
            self._stats = replace(
                self._stats,
                requests=self._stats.requests + 1,
                events=self._stats.events + added.events,
                merged=self._stats.merged + added.merged,
                repeated=self._stats.repeated + added.repeated,
                spans=self._stats.spans + added.spans,
                rejected=self._stats.rejected + batch.rejected,
            )
        return signal.respond(batch.rejected, " ".join(batch.reasons))

    def stats(self) -> IntakeStats:
        """Give what came in so far."""
        return self._stats
