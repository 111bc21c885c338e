"""Counts by name, which many threads add to at once."""

from __future__ import annotations

import os
import threading
from collections import Counter


class Counts:
    """Exact however many threads add; a child that is forked off begins with its parent's counts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def add(self, name: str, number: int = 1) -> int:
        """Add one, or a number, and return the sum."""
        with self._own_lock():
            self._counts[name] += number
            return self._counts[name]

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def as_dict(self) -> dict[str, int]:
        """Return all counts, in the order of their first appearance."""
        with self._own_lock():
            return dict(self._counts)

    def _own_lock(self) -> threading.Lock:
        if self._pid != os.getpid():
            # Another thread of the parent may have held the lock at the fork; it is not here to give it back.
            self._pid, self._lock = os.getpid(), threading.Lock()
        return self._lock
