"""The way in that both transports share: a request goes through the gate into the store and gets its answer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from otel_events.receiver.decode import Decoding
from otel_events.receiver.gate import Gate
from otel_events.receiver.insertion import Added
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
        turned_away: Requests that found too much under way and were told to come again.
        expired_events: Events deleted because they were too old or the file too large.
        expired_spans: Spans, likewise.
    """

    requests: int = 0
    events: int = 0
    merged: int = 0
    repeated: int = 0
    spans: int = 0
    rejected: int = 0
    turned_away: int = 0
    expired_events: int = 0
    expired_spans: int = 0


class Intake:
    """Stores requests and counts what they held. May be used from any thread.

    Attributes:
        gate: What requests pass before their bodies are read.
    """

    def __init__(self, store: Store, gate: Gate, *, max_records: int) -> None:
        """Make an intake that counts from zero.

        Args:
            store: Where the rows go.
            gate: Bounds what is under way.
            max_records: How many records one request may hold; the rest of it is rejected.
        """
        self._store = store
        self._max_records = max_records
        self._lock = threading.Lock()
        self._stats = IntakeStats()
        self.gate = gate

    def submit(self, signal: Signal, data: bytes) -> Future[Message]:
        """Have a request stored.

        Args:
            signal: The signal that the request is of.
            data: The request in protobuf.

        Returns:
            The answer, once all of it is on disk: with ``partial_success`` set only where something was rejected. It
            fails, and nothing of the request is stored, with ``ValueError`` where the data is no such request, and with
            ``sqlite3.Error`` where the database cannot take it now.
        """
        decoding = Decoding(data, signal.holds, received_ns=time.time_ns(), max_records=self._max_records)
        answer: Future[Message] = Future()
        answer.set_running_or_notify_cancel()

        def stored(future: Future[Added]) -> None:
            error = future.exception()
            if error is not None:
                answer.set_exception(error)
                return
            self._count(future.result(), decoding.refused)
            answer.set_result(signal.respond(decoding.refused, decoding.reasons()))

        self._store.submit(decoding).add_done_callback(stored)
        return answer

    def stats(self) -> IntakeStats:
        """Give what came in so far."""
        events, spans = self._store.expired
        return replace(self._stats, turned_away=self.gate.turned_away, expired_events=events, expired_spans=spans)

    def _count(self, added: Added, rejected: int) -> None:
        with self._lock:
            self._stats = replace(
                self._stats,
                requests=self._stats.requests + 1,
                events=self._stats.events + added.events,
                merged=self._stats.merged + added.merged,
                repeated=self._stats.repeated + added.repeated,
                spans=self._stats.spans + added.spans,
                rejected=self._stats.rejected + rejected,
            )
