"""Sets of numbers, kept as merged intervals: millions that come in their order cost next to nothing, and any order is right."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator
from typing import Final

_MIN_LATE: Final = 1024

Interval = tuple[int, int]
"""A first number, and the one behind the last."""


class Numbers:
    """A set of numbers from 0 to 2**62.

    Args:
        repeated: Where numbers go that are added once more.
    """

    def __init__(self, repeated: Numbers | None = None) -> None:
        self._repeated = repeated
        # First, end, first, end, …, in order and apart.
        self._bounds = array("q")
        # Those that came after a greater one; they are merged in when there are many.
        self._late = array("q")

    @property
    def room(self) -> int:
        """How many integers it holds in memory."""
        return len(self._bounds) + len(self._late)

    @property
    def end(self) -> int:
        """The number behind the greatest; 0 for none."""
        return self._bounds[-1] if self._bounds else 0

    def add(self, number: int) -> None:
        """Add a number."""
        bounds = self._bounds
        if not bounds or number > bounds[-1]:
            bounds.extend((number, number + 1))
        elif number == bounds[-1]:
            bounds[-1] = number + 1
        else:
            self._late.append(number)
            if len(self._late) >= max(_MIN_LATE, len(bounds) // 4):
                self._merge()

    def __len__(self) -> int:
        return sum(end - first for first, end in self.intervals())

    def intervals(self) -> Iterator[Interval]:
        """Yield the intervals of which it consists, in order and apart."""
        self._merge()
        return _pairs(self._bounds)

    def gaps(self, first: int, end: int) -> Iterator[Interval]:
        """Yield the intervals of the numbers from ``first`` on, and before ``end``, that are not in it."""
        for begins, ends in self.intervals():
            if begins >= end:
                break
            if begins > first:
                yield first, begins
            first = max(first, ends)
        if first < end:
            yield first, end

    def _merge(self) -> None:
        if not self._late:
            return
        merged = array("q")
        singles = ((number, number + 1) for number in sorted(self._late))
        for first, end in heapq.merge(_pairs(self._bounds), singles):
            if not merged or first > merged[-1]:
                merged.extend((first, end))
                continue
            if first < merged[-1] and self._repeated is not None:
                # Of two that overlap one is a single number, so they have no other in common than this.
                self._repeated.add(first)
            merged[-1] = max(merged[-1], end)
        self._bounds, self._late = merged, array("q")


def _pairs(bounds: Iterable[int]) -> Iterator[Interval]:
    numbers = iter(bounds)
    return zip(numbers, numbers, strict=True)
