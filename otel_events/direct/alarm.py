"""Ends waits on an event loop when their time is up: one timer for all that wait equally long."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable


class Alarm:
    """Of one event loop, whose thread alone uses it, and one length of time.

    Args:
        loop: The loop.
        seconds: How long each wait lasts at most.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._waits: deque[tuple[float, asyncio.Future[None], Callable[[asyncio.Future[None]], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waits)

    def set(self, future: asyncio.Future[None], ring: Callable[[asyncio.Future[None]], None]) -> None:
        """Have ``ring`` called with a future that is not done by then."""
        waits = self._waits
        while waits and waits[0][1].done():
            waits.popleft()
        due = self._loop.time() + self._seconds
        waits.append((due, future, ring))
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        now, waits = self._loop.time(), self._waits
        while waits and (waits[0][1].done() or waits[0][0] <= now):
            _, future, ring = waits.popleft()
            if not future.done():
                ring(future)
        self._timer = self._loop.call_at(waits[0][0], self._look) if waits else None


class _Here(threading.local):
    """The alarms of the loop that ran in this thread last."""

    loop: asyncio.AbstractEventLoop | None = None
    alarms: dict[float, Alarm] = {}  # noqa: RUF012 # replaced with the loop, never changed before


_here = _Here()


def alarm_of(loop: asyncio.AbstractEventLoop, seconds: float) -> Alarm:
    """Return the alarm of the loop that runs in this thread.

    Args:
        loop: The loop.
        seconds: How long waits last.
    """
    if _here.loop is not loop:
        _here.loop, _here.alarms = loop, {}
    alarm = _here.alarms.get(seconds)
    if alarm is None:
        alarm = _here.alarms[seconds] = Alarm(loop, seconds)
    return alarm
