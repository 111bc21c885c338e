"""Counts by name, which many threads add to at once."""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable


class Counts:
    """Exact however many threads add; a child that is forked off begins with its parent's counts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._numbers: dict[str, itertools.count[int]] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def add(self, name: str, number: int = 1) -> int:
        """Add one, or a number, and return the sum."""
        with self._own_lock():
            self._counts[name] += number
            return self[name]

    def adder(self, name: str) -> Callable[[], int]:
        """Return a function that adds one, for what every event passes: it takes no lock, and no look at the process."""
        with self._own_lock():
            # To draw a number is one step of the interpreter's, which no other thread comes between.
            return self._numbers.setdefault(name, itertools.count(1)).__next__

    def __getitem__(self, name: str) -> int:
        numbers = self._numbers.get(name)
        return self._counts[name] + (0 if numbers is None else next_number(numbers) - 1)

    def as_dict(self) -> dict[str, int]:
        """Return all counts, those with an ``adder`` first, then in the order of their first appearance."""
        with self._own_lock():
            added = [name for name in self._numbers if self[name]]
            return {name: self[name] for name in (*added, *self._counts)}

    def _own_lock(self) -> threading.Lock:
        if self._pid != os.getpid():
            # Another thread of the parent may have held the lock at the fork; it is not here to give it back.
            self._pid, self._lock = os.getpid(), threading.Lock()
        return self._lock


def next_number(numbers: itertools.count[int]) -> int:
    """Return the number that would be drawn next, without drawing it: all that shows it is the text, ``count(7)``."""
    return int(repr(numbers)[6:-1])
