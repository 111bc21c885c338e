"""Bounded room for records and their receipts. ``pairs.c`` does the same, compiled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from otel_events.direct.receipts import DeliveryReceipt


class PlainPairs:
    """Records and their receipts in the order in which they came. Threads may share it; one takes out.

    Args:
        max_pairs: The most of them.

    Attributes:
        wanted: Whether somebody waits for one.
        ring: Called with None to wake who waits, once for all that come until ``wanted`` is set again.
    """

    def __init__(self, max_pairs: int) -> None:
        self.wanted = False
        self.ring: Callable[[None], None] | None = None
        self._max_pairs = max_pairs
        self._pairs: deque[tuple[bytes, DeliveryReceipt]] = deque()

    def put(self, record: bytes, receipt: DeliveryReceipt) -> bool | None:
        """Add a record and its receipt: False without room for them, None where somebody waits for one, without a ``ring``."""
        if len(self._pairs) >= self._max_pairs:
            return False
        self._pairs.append((record, receipt))
        if not self.wanted:
            return True
        if self.ring is None:
            return None
        # First, because who hears it says anew what it wants.
        self.wanted = False
        self.ring(None)
        return True

    def take(self) -> tuple[list[bytes], list[DeliveryReceipt]]:
        """Remove and return all records, and all receipts."""
        taken = [self._pairs.popleft() for _ in range(len(self._pairs))]
        return [record for record, _ in taken], [receipt for _, receipt in taken]

    def __len__(self) -> int:
        return len(self._pairs)
