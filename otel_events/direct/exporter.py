"""The exporting thread: takes batches out of the queue, sends them, and does what each answer calls for.

Outages are waited out with backoff and jitter; what a server refuses is split until the record is found; what it will not take
before something is changed is held and tried now and then. What is under way counts as pending until it is settled.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from otel_events.direct.answers import Answer, Kind
from otel_events.direct.batch import Batch, Source
from otel_events.direct.thread import own_thread
from otel_events.unexported import fail

FIRST_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0
HOLD_SECONDS: Final = 30.0
_CLOSING_SECONDS: Final = 0.1
"""The time of a shutdown that is left, at least, to close where records wait."""

STRANGE_REFUSALS: Final = 16
"""So many records refused, and none ever accepted: it is likelier the server that is the wrong one than the records."""
_STRANGE_ATTEMPTS: Final = 3

OnAnswer = Callable[[Answer], None]
"""Told of every answer, on the exporting thread."""


class Sender(Protocol):
    """What requests go out through: a transport."""

    def send(self, body: bytes) -> Answer:
        """Send a request and return what became of it."""

    def close(self) -> None:
        """Close what is open."""


class Exporter:
    """Sends what waits somewhere, on a daemon thread. It belongs to one process.

    Args:
        source: Where records wait.
        sender: Sends requests.
        batch_records: The most records in a request.
        batch_bytes: The most bytes in a request, of records.
        delay_seconds: How long a record waits for others at most.
        on_answer: Told of every answer.
        on_turn: Called between batches, at least once in ``delay_seconds`` while nothing is under way.
        on_end: Called on the thread when it has sent what it could.
        name: Of the thread.
    """

    def __init__(
        self,
        source: Source,
        sender: Sender,
        *,
        batch_records: int,
        batch_bytes: int,
        delay_seconds: float,
        on_answer: OnAnswer,
        on_turn: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
        name: str = "otel-events-exporter",
    ) -> None:
        self.pid = os.getpid()
        self.sent = 0
        self.dead = 0
        self.lost: Counter[str] = Counter()
        self._source = source
        self._sender = sender
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._delay_seconds = delay_seconds
        self._on_answer = on_answer
        self._on_turn = on_turn
        self._on_end = on_end
        self._name = name
        self._strange_attempts = 0
        self._abandoned = False
        self._hurry = threading.Event()
        self._ended = threading.Event()
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> int:
        """Records that wait or are under way."""
        return self._source.unsettled

    def start(self) -> None:
        """Start the thread, if it has not been started."""
        if self._thread is None:
            self._thread = own_thread(self._run, self._name)
            self._thread.start()

    def hurry(self) -> None:
        """Have what waits sent now, without waiting for it."""
        self._hurry.set()
        self._source.wake()

    def flush(self, timeout: float) -> bool:
        """Send what waits now, and say whether nothing was left within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        with self._idle:
            while self.pending and not self._ended.is_set() and (left := deadline - time.monotonic()) > 0:
                self.hurry()
                self._idle.wait(min(left, 0.05))
        return self.pending == 0

    def shutdown(self, timeout: float) -> None:
        """Flush, then end the thread, within ``timeout`` seconds. What is left in memory is lost, and counted."""
        deadline = time.monotonic() + timeout
        self.flush(timeout * 0.9)
        self._ended.set()
        self.hurry()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(deadline - time.monotonic(), 0.0))
        self._abandoned = True
        self._sender.close()
        if lost := self._source.abandon(max(deadline - time.monotonic(), _CLOSING_SECONDS)):
            self.lost["shutdown"] += lost

    def _run(self) -> None:
        while not self._over:
            try:
                self._turn()
            except Exception as error:
                fail(f"sending raised {type(error).__name__}; it goes on", error)
                self._ended.wait(FIRST_BACKOFF_SECONDS)
        if not self._abandoned:
            self._call(self._on_end)

    def _turn(self) -> None:
        hurries = self._hurry.is_set()
        if not hurries:
            self._source.wait(self._delay_seconds)
        self._hurry.clear()
        # What has come meanwhile waits for others, unless it is enough: each request costs both ends the same work.
        while not self._over and (batch := self._source.take(self._batch_records, self._batch_bytes)):
            self._settle(batch)
            self._call(self._on_turn)
            if not (hurries or self._source.has_enough):
                break
        self._call(self._on_turn)
        with self._idle:
            self._idle.notify_all()

    @property
    def _over(self) -> bool:
        return self._ended.is_set() or os.getpid() != self.pid

    def _call(self, function: Callable[[], None]) -> None:
        try:
            if os.getpid() == self.pid:
                function()
        except Exception as error:
            fail("what is done between batches raised; sending goes on", error)

    def _settle(self, batch: Batch) -> None:
        """Send a batch until each of its records is sent or refused, or the end has come."""
        waiting: deque[tuple[Sequence[bytes], int]] = deque([(batch.bodies, batch.count)])
        whole = True
        refused: list[tuple[Sequence[bytes], int, Answer]] = []
        failures = settled = 0
        while waiting and not self._over:
            part, count = waiting[0]
            answer = self._send(batch, part)
            if self._abandoned or os.getpid() != self.pid:
                return  # What is to be said of these records, is said: that they are lost, or still in the journal.
            if answer.kind in (Kind.RETRY, Kind.HOLD):
                failures += 1
                self._pause(answer, failures)
                continue
            failures = 0
            waiting.popleft()
            if answer.kind is Kind.BAD_DATA and count > 1 and (records := self._records(batch, part, whole)):
                part, whole = records, False
                middle = count // 2
                waiting.extendleft(((part[middle:], count - middle), (part[:middle], middle)))
            elif answer.kind is Kind.BAD_DATA:
                refused.append((part, count, answer))
                strange = len(refused) >= STRANGE_REFUSALS and not (self.sent or settled)
                if strange and self._strange_attempts < _STRANGE_ATTEMPTS:
                    self._strange_attempts += 1
                    waiting, refused, whole = deque([(batch.bodies, batch.count)]), [], True
                    held = Answer(Kind.HOLD, answer.code, answer.detail)
                    self._tell(held)
                    self._pause(held, 1)
            elif answer.kind is Kind.PARTIAL:
                settled += count
                if not self._keep(batch, part, count, answer):
                    rejected = min(answer.rejected, count)
                    self.lost["rejected"] += rejected
                    self.sent += count - rejected
            elif answer.kind is Kind.ACCEPTED:
                self.sent += count
                batch.sent(count)
        if waiting:
            return
        for part, count, answer in refused:
            if not self._keep(batch, part, count, answer):
                self.lost["refused"] += count
        batch.end()

    def _records(self, batch: Batch, part: Sequence[bytes], whole: bool) -> Sequence[bytes]:
        """Return the records of a part one by one; none where what they were read from is damaged."""
        try:
            return batch.records() if whole else part
        except Exception as error:
            fail("a batch that is refused cannot be taken apart; it is given up as a whole", error)
            return ()

    def _keep(self, batch: Batch, part: Sequence[bytes], count: int, answer: Answer) -> bool:
        """Give back to the batch what was refused, and say whether that keeps it."""
        kept = batch.refused(part, count, answer)
        if kept:
            self.dead += count
        return kept

    def _send(self, batch: Batch, part: Sequence[bytes]) -> Answer:
        answer = self._sender.send(batch.envelope.wrap(part))
        self._tell(answer)
        return answer

    def _tell(self, answer: Answer) -> None:
        try:
            self._on_answer(answer)
        except Exception as error:
            fail("telling of an answer raised; sending goes on", error)

    def _pause(self, answer: Answer, failures: int) -> None:
        """Wait before a batch is sent again: as long as the server asks for, else longer each time.

        A flush has it tried at once, though not more often than twice a second, unless the server asks for a wait.
        """
        seconds = min(FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10), MAX_BACKOFF_SECONDS)
        seconds = HOLD_SECONDS if answer.kind is Kind.HOLD else seconds * random.uniform(0.8, 1.2)  # noqa: S311 # jitter
        # One that asks for hardly any wait is not asked again and again without one.
        if answer.wait_seconds is not None and (
            answer.kind is Kind.HOLD or answer.wait_seconds >= FIRST_BACKOFF_SECONDS
        ):
            self._ended.wait(max(answer.wait_seconds, seconds) if answer.kind is Kind.HOLD else answer.wait_seconds)
            return
        soonest = time.monotonic() + FIRST_BACKOFF_SECONDS
        self._hurry.wait(seconds)
        self._ended.wait(max(min(soonest - time.monotonic(), seconds), 0.0))
        self._hurry.clear()
