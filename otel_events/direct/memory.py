"""The queue between encode and export: encoded records in bounded memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from otel_events.direct.answers import Answer
from otel_events.direct.envelope import Envelope
from otel_events.settings.queueing import FullPolicy

try:
    from otel_events.direct.ring import Ring
except ImportError:  # no compiler where it was installed
    from otel_events.direct.plain_ring import PlainRing as Ring  # type: ignore[assignment] # which does the same


class MemoryQueue:
    """A queue that many threads fill and one empties.

    Attributes:
        dropped: Records that were let go of.
        append: Adds a record without a look at the policy, as a ring does.

    Args:
        max_records: The most records in it.
        max_bytes: The most bytes in it, of all records together.
        when_full: ``drop_newest`` refuses what comes, ``drop_oldest`` lets go of what came first, ``block`` waits for room and
            then refuses.
        block_seconds: How long ``block`` waits.
        waking_records: So many records wake whoever empties it before its time.
    """

    def __init__(
        self,
        *,
        max_records: int,
        max_bytes: int,
        when_full: FullPolicy = "drop_newest",
        block_seconds: float = 1.0,
        waking_records: int,
    ) -> None:
        self._max_bytes = max_bytes
        self._when_full = when_full
        self._block_seconds = block_seconds
        self._waking_records = waking_records
        self._records = Ring(max_records, max_bytes)
        self.append = self._records.append
        self._taken = 0
        self._first_taken: bytes | None = None
        # Reentrant, because the garbage collector may run code that tracks an event wherever something is made.
        self._lock = threading.RLock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self.dropped = 0
        self._is_woken = False

    def __len__(self) -> int:
        return len(self._records)

    @property
    def unsettled(self) -> int:
        """Records in it, and those that were taken out and are not settled."""
        with self._lock:
            return len(self._records) + self._taken

    @property
    def has_enough(self) -> bool:
        """Whether as many records are in it as wake whoever empties it."""
        return len(self._records) >= self._waking_records

    @property
    def oldest(self) -> bytes | None:
        """The record that came first of those that are in it, or taken out and not settled."""
        with self._lock:
            return self._first_taken or self._records.oldest()

    @property
    def size_bytes(self) -> int:
        """Bytes of the records in it."""
        return self._records.size_bytes

    def put(self, record: bytes) -> bool:
        """Add a record, and say whether it was taken; whatever is let go of is counted in ``dropped``."""
        said = self.append(record)
        return said is True or self.attend(record, said)

    def attend(self, record: bytes, said: bool | None) -> bool:
        """Do what is to be done after ``append`` has said something else than True, and say whether the record was taken."""
        if said is False:
            return self._put_into_full(record)
        with self._lock:
            self._filled.notify()
        return True

    def take(self, max_records: int, max_bytes: int) -> list[bytes]:
        """Remove and return the oldest records, at least one if there is one, up to these bounds. They are to be settled."""
        with self._lock:
            batch = self._records.take(max_records, max_bytes)
            if batch and not self._taken:
                self._first_taken = batch[0]
            self._taken += len(batch)
            if self._when_full == "block":
                self._emptied.notify_all()
        return batch

    def settle(self, count: int) -> None:
        """Take note that so many records of those taken out are sent or lost."""
        with self._lock:
            self._taken -= count
            if not self._taken:
                self._first_taken = None

    def wait(self, seconds: float) -> None:
        """Wait until it ``has_enough``, for so many seconds, or until ``wake`` is called, also if it was before."""
        with self._lock:
            # In this order: who puts a record looks at what is wanted after that, without the lock.
            self._records.wanted = self._waking_records
            if not (self._is_woken or self.has_enough):
                self._filled.wait(seconds)
            self._records.wanted = 0
            self._is_woken = False

    def wake(self) -> None:
        """End this ``wait`` now, or the next."""
        with self._lock:
            self._is_woken = True
            self._filled.notify_all()

    def _put_into_full(self, record: bytes) -> bool:
        """Add a record by the policy for a full queue, and say whether it was taken."""
        with self._lock:
            taken = False
            if self._when_full == "drop_oldest" and len(record) <= self._max_bytes:
                while not (taken := self.append(record) is not False):
                    self.dropped += len(self._records.take(1, 0))
            elif self._when_full == "block":
                deadline = time.monotonic() + self._block_seconds
                while not (taken := self.append(record) is not False) and (left := deadline - time.monotonic()) > 0:
                    self._emptied.wait(left)
            self.dropped += not taken
            return taken


class MemoryBatch:
    """Records taken out of a queue in memory.

    Args:
        queue: From which.
        envelope: Goes around them.
        bodies: The records.
    """

    def __init__(self, queue: MemoryQueue, envelope: Envelope, bodies: Sequence[bytes]) -> None:
        self.bodies = bodies
        self.count = len(bodies)
        self.envelope = envelope
        self._queue = queue

    def records(self) -> Sequence[bytes]:
        """Return them."""
        return self.bodies

    def sent(self, count: int) -> None:
        """Take note that so many were accepted."""
        self._queue.settle(count)

    def refused(self, bodies: Sequence[bytes], count: int, answer: Answer) -> bool:
        """Let these go."""
        self._queue.settle(count)
        return False

    def end(self) -> None:
        """Each was settled as it went."""


class MemorySource:
    """What an exporter takes out of a queue in memory.

    Args:
        queue: The queue.
        envelope: Goes around what is in it.
    """

    def __init__(self, queue: MemoryQueue, envelope: Envelope) -> None:
        self._queue = queue
        self._envelope = envelope
        self.wait = queue.wait
        self.wake = queue.wake

    @property
    def unsettled(self) -> int:
        """Records that wait or are under way."""
        return self._queue.unsettled

    @property
    def has_enough(self) -> bool:
        """Whether enough waits for one more request."""
        return self._queue.has_enough

    def take(self, max_records: int, max_bytes: int) -> MemoryBatch | None:
        """Take out the oldest."""
        bodies = self._queue.take(max_records, max_bytes)
        return MemoryBatch(self._queue, self._envelope, bodies) if bodies else None

    def abandon(self, seconds: float) -> int:
        """Return how many are lost: all that are left."""
        return self.unsettled
