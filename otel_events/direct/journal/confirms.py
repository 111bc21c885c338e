"""Receipts of events that are on disk, and wait for the collector to have them too."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

from otel_events.direct.receipts import DeliveryReceipt, resolve


class Confirms:
    """The receipts, by the row of the file in which their events are. Rows are settled in their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, Sequence[DeliveryReceipt]] = {}
        self._settled_to = 0
        self._refused_to = 0

    def add(self, rows: Mapping[int, Sequence[DeliveryReceipt]]) -> None:
        """Have receipts wait for their rows. The exporter may have been quicker: those are resolved at once, or never."""
        early: list[DeliveryReceipt] = []
        with self._lock:
            for row, receipts in rows.items():
                if row > self._settled_to:
                    self._waiting[row] = receipts
                elif row > self._refused_to:
                    early += receipts
        resolve(early, "collector")

    def settle(self, rows: Iterable[int], *, accepted: bool) -> None:
        """Take note of rows that have left.

        Args:
            rows: Their numbers, ascending.
            accepted: Whether the collector has all that was in them. Where it refused some, which is not known to each caller:
                for those the journal has to be enough.
        """
        with self._lock:
            receipts: list[DeliveryReceipt] = []
            for row in rows:
                receipts += self._waiting.pop(row, ())
                self._settled_to = row
                self._refused_to = self._refused_to if accepted else row
        if accepted:
            resolve(receipts, "collector")
