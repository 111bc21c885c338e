"""Where events wait for the thread that writes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Final

from otel_events.direct.journal.entries import Entry
from otel_events.direct.receipts import DeliveryReceipt

try:
    from otel_events.direct.journal.pairs import Pairs
except ImportError:  # no compiler where it was installed
    from otel_events.direct.journal.plain_pairs import PlainPairs as Pairs  # type: ignore[assignment] # which does the same

MAX_WAITING: Final = 65_536
"""So many events wait to be written at most; a disk that takes none is then as good as full."""

MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""So many bytes of them."""


class Inbox:
    """Many threads put events into it, and one takes them out.

    Attributes:
        try_to_put: Adds a record and its receipt, as ``Pairs.put``; unless it says True, ``attend`` is to be called.

    Args:
        start: Called before the first event is waited for: starts the thread that takes them out.
        refuse: Called with events for which there is no room, or which came after the end.
    """

    def __init__(self, start: Callable[[], None], refuse: Callable[[Sequence[Entry]], None]) -> None:
        self._start = start
        self._refuse = refuse
        self._waiting = Pairs(MAX_WAITING, MAX_WAITING_BYTES)
        self._waiting.wanted = True
        self.try_to_put = self._waiting.put
        self._under_way = 0
        self._is_started = self._is_closed = False
        # Reentrant, because the garbage collector may run code that tracks an event wherever something is made.
        self._lock = threading.RLock()
        self._bell: SimpleQueue[None] = SimpleQueue()

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting) + self._under_way

    def put(self, record: bytes, receipt: DeliveryReceipt) -> None:
        """Have a record written.

        Args:
            record: An encoded event.
            receipt: Is resolved once it is on disk, or, where it waits for the collector, once that has it.
        """
        said = self.try_to_put(record, receipt)
        if said is not True:
            self.attend(record, receipt, said)

    def attend(self, record: bytes, receipt: DeliveryReceipt, said: bool | None) -> None:
        """Do what is to be done where ``try_to_put`` has said something else than True."""
        if said is False:
            self._refuse([Entry(record, receipt)])
            return
        with self._lock:
            late = self._waiting.take() if self._is_closed else ([], [])
            if not (self._is_started or self._is_closed):
                self._begin()
        self._bell.put(None)
        if late[0]:
            self._refuse(list(map(Entry, *late)))

    def take(self) -> tuple[list[bytes], list[DeliveryReceipt]]:
        """Wait for events and take out all there are, as records and receipts; none at the end. They count until ``settle``."""
        # In this order: who puts looks whether one is waited for when the event is there. And each time, since it may have
        # rung for an event that was taken already.
        self._waiting.wanted = True
        while not len(self._waiting) and not self._is_closed:
            self._bell.get()
            self._waiting.wanted = True
        with self._lock:
            self._waiting.wanted = self._is_closed
            taken = self._waiting.take()
            self._under_way = len(taken[0])
        return taken

    def settle(self) -> None:
        """Take note that what was taken out is written, or never will be."""
        with self._lock:
            self._under_way = 0

    def close(self) -> None:
        """Refuse what comes from now on. What waits can still be taken out."""
        with self._lock:
            self._is_closed = self._waiting.wanted = True
            self._waiting.ring = None
        self._bell.put(None)

    def _begin(self) -> None:
        self._is_started = True
        try:
            self._start()
        except BaseException:
            self._is_started = False
            raise
        if not self._is_closed:  # It may be by now: what starts a thread can run a signal's handler.
            self._waiting.ring = self._bell.put
