"""Bounded room for records and their receipts. ``pairs.c`` does the same, compiled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from otel_events.direct.receipts import DeliveryReceipt


class PlainPairs:
    """Records and their receipts in the order in which they came. Threads may share it; one takes out.

    Args:
        max_pairs: The most of them.
        max_bytes: The most bytes of their records, unless there is but one.

    Attributes:
        wanted: Whether somebody waits for one.
        ring: Called with None to wake who waits, once for all that come until ``wanted`` is set again.
    """

    def __init__(self, max_pairs: int, max_bytes: int) -> None:
        self.wanted = False
        self.ring: Callable[[None], None] | None = None
        self._max_pairs = max_pairs
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pairs: deque[tuple[bytes, DeliveryReceipt]] = deque()

    def put(self, record: bytes, receipt: DeliveryReceipt) -> bool | None:
        """Add a record and its receipt: False without room for them, None where somebody waits for one, without a ``ring``."""
        if len(self._pairs) >= self._max_pairs or (self._pairs and self._bytes + len(record) > self._max_bytes):
            return False
        self._bytes += len(record)
        self._pairs.append((record, receipt))
        if not self.wanted:
            return True
        # First, because who hears it says anew what it wants.
        ring, self.wanted = self.ring, False
        if ring is None or self.ring is None:  # It may have been taken away meanwhile, and for good.
            self.wanted = True
            return None
        ring(None)
        return True

    def take(self) -> tuple[list[bytes], list[DeliveryReceipt]]:
        """Remove and return all records, and all receipts."""
        taken = [self._pairs.popleft() for _ in range(len(self._pairs))]
        self._bytes = 0  # Anew each time, so that threads that count at the same moment are wrong for a moment only.
        return [record for record, _ in taken], [receipt for _, receipt in taken]

    def __len__(self) -> int:
        return len(self._pairs)
