"""Events as they arrive at a receiver: shown one by one, and counted against what their uids say was tracked."""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from otel_events.cli.render import event_text
from otel_events.receiver import Store, StoredEvent

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_UID: Final = re.compile(rf"([0-7][{_DIGITS}]{{9}})([{_DIGITS}]{{8}})([{_DIGITS}]{{8}})")
"""A ULID as this package makes them: milliseconds, the stream, and a number that counts within it."""

_PAGE_SIZE: Final = 500


@dataclass(frozen=True)
class Numbers:
    """What arrived.

    Args:
        tracked: how many events were stamped, as the counters in the uids tell.
        arrived: how many of them arrived.
        by_name: how many of each name.
        missing: the names that were expected and never came.
        median_ms: from the call that tracked an event to its row in the receiver's database, in milliseconds.
        worst_ms: likewise, the longest.
    """

    tracked: int
    arrived: int
    by_name: dict[str, int]
    missing: tuple[str, ...]
    median_ms: float
    worst_ms: float

    @property
    def complete(self) -> bool:
        """Whether every event arrived, and every name."""
        return self.arrived == self.tracked and not self.missing


class Arrivals:
    """Shows the events of a store and remembers what is counted.

    Args:
        store: where they arrive.
        console: where they are shown.
    """

    def __init__(self, store: Store, console: Console) -> None:
        self._store = store
        self._console = console
        self._shown_id = store.newest_id
        self._by_name: Counter[str] = Counter()
        self._counters: dict[str, set[int]] = {}
        self._delays_ms: list[float] = []

    def show(self, timeout: float = 0.0) -> bool:
        """Show what has arrived since the last call.

        Args:
            timeout: how many seconds to wait for something where there is nothing yet.

        Returns:
            Whether there was something.
        """
        arrived = self._store.wait_for_new(self._shown_id, timeout)
        while events := self._store.events(after_id=self._shown_id, limit=_PAGE_SIZE):
            for event in events:
                self._console.print(event_text(event))
                self._count(event)
            self._shown_id = events[-1].id
        return arrived

    def show_until(self, name: str, timeout: float) -> None:
        """Show what arrives until an event of this name has, or the time is up.

        Args:
            name: the event's name.
            timeout: how many seconds to wait at most.
        """
        deadline = time.monotonic() + timeout
        while not self._by_name[name] and (left := deadline - time.monotonic()) > 0:
            self.show(left)

    def numbers(self, expected: tuple[str, ...]) -> Numbers:
        """Give the numbers of what was shown.

        Args:
            expected: names that should be among them.
        """
        return Numbers(
            tracked=sum(max(counters) + 1 for counters in self._counters.values()),
            arrived=sum(map(len, self._counters.values())),
            by_name=dict(self._by_name),
            missing=tuple(name for name in expected if not self._by_name[name]),
            median_ms=round(statistics.median(self._delays_ms or [0.0]), 1),
            worst_ms=round(max(self._delays_ms, default=0.0), 1),
        )

    def _count(self, event: StoredEvent) -> None:
        uid = _UID.fullmatch(event.uid or "")
        if event.name is None or uid is None:
            return
        milliseconds, stream, number = uid.groups()
        self._by_name[event.name] += 1
        self._counters.setdefault(stream, set()).add(_number(number))
        tracked_ns = event.observed_ns or _number(milliseconds) * 1_000_000
        self._delays_ms.append((event.received_ns - tracked_ns) / 1_000_000)


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 32 + _DIGITS.index(digit)
    return number
