"""The exporting thread: takes batches out of the queue, sends them, and does what each answer calls for.

Outages are waited out with backoff and jitter; what a server refuses is split until the record is found; what it will not take
before something is changed is held and tried now and then. What is under way counts as pending until it is settled.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from otel_events.direct.answers import Answer, Kind
from otel_events.direct.envelope import Envelope
from otel_events.direct.memory import MemoryQueue

_logger = logging.getLogger("otel_events")

FIRST_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0
HOLD_SECONDS: Final = 30.0

OnAnswer = Callable[[Answer], None]
"""Told of every answer, on the exporting thread."""


class Sender(Protocol):
    """What requests go out through: a transport."""

    def send(self, body: bytes) -> Answer:
        """Send a request and return what became of it."""

    def close(self) -> None:
        """Close what is open."""


class Exporter:
    """Sends what is in a queue, on a daemon thread. It belongs to one process.

    Args:
        queue: Where records wait.
        envelope: Goes around them.
        sender: Sends requests.
        batch_records: The most records in a request.
        batch_bytes: The most bytes in a request, of records.
        delay_seconds: How long a record waits for others at most.
        on_answer: Told of every answer.
    """

    def __init__(
        self,
        queue: MemoryQueue,
        envelope: Envelope,
        sender: Sender,
        *,
        batch_records: int,
        batch_bytes: int,
        delay_seconds: float,
        on_answer: OnAnswer,
    ) -> None:
        self.pid = os.getpid()
        self.sent = 0
        self.lost: Counter[str] = Counter()
        self._queue = queue
        self._envelope = envelope
        self._sender = sender
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._delay_seconds = delay_seconds
        self._on_answer = on_answer
        self._hurry = threading.Event()
        self._ended = threading.Event()
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> int:
        """Records in the queue and under way."""
        return self._queue.unsettled

    def start(self) -> None:
        """Start the thread, if it has not been started."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="otel-events-exporter", daemon=True)
            self._thread.start()

    def flush(self, timeout: float) -> bool:
        """Send what waits now, and say whether nothing was left within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        with self._idle:
            while self.pending and not self._ended.is_set() and (left := deadline - time.monotonic()) > 0:
                self._hurry.set()
                self._queue.wake()
                self._idle.wait(min(left, 0.05))
        return self.pending == 0

    def shutdown(self, timeout: float) -> None:
        """Flush, then end the thread, within ``timeout`` seconds. What is left is lost, and counted."""
        deadline = time.monotonic() + timeout
        self.flush(timeout * 0.9)
        self._ended.set()
        self._hurry.set()
        self._queue.wake()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(deadline - time.monotonic(), 0.0))
        self._sender.close()
        if self.pending:
            self.lost["shutdown"] += self.pending

    def _run(self) -> None:
        while not self._ended.is_set():
            if not self._hurry.is_set():
                self._queue.wait(self._delay_seconds)
            self._hurry.clear()
            # What waits is sent to the end; a batch that fills up meanwhile goes out without delay.
            while not self._ended.is_set() and (batch := self._queue.take(self._batch_records, self._batch_bytes)):
                self._settle(batch)
            with self._idle:
                self._idle.notify_all()

    def _settle(self, batch: Sequence[bytes]) -> None:
        """Send a batch until each of its records is sent or lost, or the end has come."""
        waiting = deque([batch])
        failures = 0
        while waiting and not self._ended.is_set():
            part = waiting[0]
            answer = self._sender.send(self._envelope.wrap(part))
            try:
                self._on_answer(answer)
            except Exception:
                _logger.exception("telling of an answer raised; sending goes on")
            if answer.kind in (Kind.RETRY, Kind.HOLD):
                failures += 1
                self._pause(answer, failures)
                continue
            failures = 0
            waiting.popleft()
            if answer.kind is Kind.BAD_DATA and len(part) > 1:
                middle = len(part) // 2
                waiting.extendleft((part[middle:], part[:middle]))
                continue
            self._account(answer, len(part))
            self._queue.settle(len(part))

    def _account(self, answer: Answer, count: int) -> None:
        if answer.kind is Kind.BAD_DATA:
            self.lost["refused"] += count
            return
        rejected = min(answer.rejected, count) if answer.kind is Kind.PARTIAL else 0
        if rejected:
            self.lost["rejected"] += rejected
        self.sent += count - rejected

    def _pause(self, answer: Answer, failures: int) -> None:
        """Wait before a batch is sent again: as long as the server asks for, else longer each time.

        A flush has it tried at once, though not more often than twice a second, unless the server asks for a wait.
        """
        seconds = min(FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10), MAX_BACKOFF_SECONDS)
        seconds = HOLD_SECONDS if answer.kind is Kind.HOLD else seconds * random.uniform(0.8, 1.2)  # noqa: S311 # jitter
        if answer.wait_seconds is not None:
            self._ended.wait(max(answer.wait_seconds, seconds) if answer.kind is Kind.HOLD else answer.wait_seconds)
            return
        soonest = time.monotonic() + FIRST_BACKOFF_SECONDS
        self._hurry.wait(seconds)
        self._ended.wait(max(min(soonest - time.monotonic(), seconds), 0.0))
        self._hurry.clear()
