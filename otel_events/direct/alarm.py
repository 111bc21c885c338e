"""Ends waits on an event loop when their time is up: one timer for all that wait equally long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

KEPT: Final = 128
"""So many waits are kept, done or not, before it is looked for the first time which are done."""


class Wait(Protocol):
    """A wait of somebody.

    Attributes:
        due: When its time is up, by ``time.monotonic``.
    """

    due: float

    def done(self) -> bool:
        """Tell whether it is over."""

    def ring(self) -> None:
        """Say that its time is up."""


class TimedWait:
    """A wait.

    Args:
        done: Tells whether it is over.
        ring: Called when its time is up.
    """

    __slots__ = ("done", "due", "ring")

    def __init__(self, done: Callable[[], bool], ring: Callable[[], None]) -> None:
        self.done = done
        self.ring = ring
        self.due = 0.0


class Alarm:
    """Of one event loop, whose thread alone uses it, and one length of time.

    Args:
        loop: The loop.
        seconds: How long each wait lasts at most.

    Attributes:
        seconds: As given.
        waits: A list, in the order in which they are due. Where there are some, another may be appended without more ado, once
            it is said when it is due.
        kept: So many waits are kept at most; then those that are over are to be removed, and this is to be twice what is left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self.seconds = seconds
        self.waits: list[Wait] = []
        self.kept = KEPT
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self.waits)

    def set(self, wait: Wait) -> None:
        """Have ``ring`` called of a wait that begins now and is not over by then."""
        wait.due = time.monotonic() + self.seconds
        waits = self.waits
        waits.append(wait)
        if self._timer is None:
            self._timer = self._loop.call_later(self.seconds, self._look)
        elif len(waits) > self.kept:
            self._forget_done()

    def _forget_done(self) -> None:
        # Each time there are twice as many, so that it costs each wait the same, however many there are.
        self.waits[:] = [wait for wait in self.waits if not wait.done()]
        self.kept = max(KEPT, 2 * len(self.waits))

    def _look(self) -> None:
        self._forget_done()
        now = time.monotonic()
        due = [wait for wait in self.waits if wait.due <= now]
        del self.waits[: len(due)]
        self._timer = self._loop.call_later(self.waits[0].due - now, self._look) if self.waits else None
        for wait in due:
            self._loop.call_soon(wait.ring)


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
    here = _here
    if here.loop is not loop:
        here.loop, here.alarms = loop, {}
    alarm = here.alarms.get(seconds)
    if alarm is None:
        alarm = here.alarms[seconds] = Alarm(loop, seconds)
    return alarm
