"""Bounded room for encoded records. ``ring.c`` does the same, compiled."""

from __future__ import annotations

import threading
from collections import deque


class PlainRing:
    """Records in the order in which they came. Threads may share it.

    Args:
        max_records: The most records in it.
        max_bytes: The most bytes in it, of all records together.

    Attributes:
        size_bytes: Bytes of all records in it.
        wanted: For so many records somebody waits; 0 for nobody.
    """

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self.size_bytes = 0
        self.wanted = 0
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._records: deque[bytes] = deque()
        # Reentrant, as is all here: the garbage collector may run code that tracks an event.
        self._lock = threading.RLock()

    def append(self, record: bytes) -> bool | None:
        """Add a record: False without room for it, None where as many are wanted as there are now."""
        with self._lock:
            if self.size_bytes + len(record) > self._max_bytes or len(self._records) >= self._max_records:
                return False
            self._records.append(record)
            self.size_bytes += len(record)
            return None if self.wanted and len(self._records) >= self.wanted else True

    def take(self, max_records: int, max_bytes: int) -> list[bytes]:
        """Remove and return the oldest records, one at least if there is one, up to these bounds."""
        batch: list[bytes] = []
        size = 0
        with self._lock:
            records = self._records
            while records and len(batch) < max_records and (not batch or size + len(records[0]) <= max_bytes):
                record = records.popleft()
                batch.append(record)
                size += len(record)
                self.size_bytes -= len(record)
        return batch

    def oldest(self) -> bytes | None:
        """Return the record that came first, or None."""
        with self._lock:
            return self._records[0] if self._records else None

    def __len__(self) -> int:
        return len(self._records)
