"""Where events wait for the thread that writes them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Final

from otel_events.direct.journal.entries import Entry
from otel_events.direct.receipts import DeliveryReceipt

MAX_WAITING: Final = 65_536
"""So many events wait to be written at most; a disk that takes none is then as good as full."""


class Inbox:
    """Many threads put events into it, and one takes them out.

    Args:
        start: Called before the first event is waited for: starts the thread that takes them out.
        refuse: Called with events for which there is no room, or which came after the end.
    """

    def __init__(self, start: Callable[[], None], refuse: Callable[[Sequence[Entry]], None]) -> None:
        self._start = start
        self._refuse = refuse
        self._waiting: deque[tuple[bytes, DeliveryReceipt]] = deque()
        self._under_way = 0
        self._is_started = self._is_closed = False
        self._is_to_be_told = True
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
        if len(self._waiting) >= MAX_WAITING:
            self._refuse([Entry(record, receipt)])
            return
        self._waiting.append((record, receipt))
        # In this order: whoever takes out says that it sleeps, or that it is gone, before it looks for the last time.
        if self._is_to_be_told:
            self._tell()

    def take(self) -> list[tuple[bytes, DeliveryReceipt]]:
        """Wait for events and take out all there are; none at the end. They count until ``settle`` is called."""
        self._is_to_be_told = True
        while not self._waiting and not self._is_closed:
            self._bell.get()
        with self._lock:
            self._is_to_be_told = self._is_closed
            taken = self._take_out()
            self._under_way = len(taken)
        return taken

    def settle(self) -> None:
        """Take note that what was taken out is written, or never will be."""
        with self._lock:
            self._under_way = 0

    def close(self) -> None:
        """Refuse what comes from now on. What waits can still be taken out."""
        with self._lock:
            self._is_closed = self._is_to_be_told = True
        self._bell.put(None)

    def _tell(self) -> None:
        with self._lock:
            if not (self._is_started or self._is_closed):
                self._is_started = True
                self._start()
            late = self._take_out() if self._is_closed else []
        self._bell.put(None)
        if late:
            self._refuse([Entry(*one) for one in late])

    def _take_out(self) -> list[tuple[bytes, DeliveryReceipt]]:
        waiting = self._waiting
        return [waiting.popleft() for _ in range(len(waiting))]
