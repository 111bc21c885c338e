"""Words about the delivery itself, in the log: each trouble at once, seldom while it goes on, and never by way of an exporter."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from otel_events.unexported import warn

AGAIN_SECONDS: Final = 600.0
"""Trouble that goes on is said again after so long."""

MAX_LINES: Final = 20
"""So many lines at most in ``AGAIN_SECONDS``, also where trouble comes and goes."""


class Notices:
    """Says what is in trouble, and that it is well again. Any thread may call it.

    Args:
        counts: Says how many records wait and are lost.
        clock: Gives seconds.
    """

    def __init__(self, counts: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._counts = counts
        self._clock = clock
        self._said: dict[object, float] = {}
        self._times: deque[float] = deque(maxlen=MAX_LINES)
        self._lock = threading.Lock()

    def trouble(self, kind: object, sentence: str) -> None:
        """Say of a trouble what it is: the first time, and then, with the counts, when it has gone on for long.

        Args:
            kind: Which trouble it is.
            sentence: What was seen, where, and what to do.
        """
        now = self._clock()
        with self._lock:
            said_at = self._said.get(kind)
            if said_at is not None and now - said_at < AGAIN_SECONDS:
                return
            self._said[kind] = now
        if said_at is None:
            self._say(now, f"{sentence} Said once, and again while it lasts; stats() counts what is lost.")
        else:
            self._say(now, f"{sentence} This goes on: {self._counts()}.")

    def over(self, sentence: str, *kinds: object) -> None:
        """Say that it is well again; the next trouble is a new one.

        Args:
            sentence: What is well.
            kinds: Which troubles are over; none given, all are.
        """
        with self._lock:
            for kind in kinds or list(self._said):
                self._said.pop(kind, None)
        self._say(self._clock(), sentence)

    def forget(self, kind: object) -> None:
        """Take note that a trouble is over, without a word."""
        with self._lock:
            self._said.pop(kind, None)

    def _say(self, now: float, sentence: str) -> None:
        with self._lock:
            if len(self._times) == MAX_LINES and now - self._times[0] < AGAIN_SECONDS:
                return
            self._times.append(now)
        warn(sentence)
