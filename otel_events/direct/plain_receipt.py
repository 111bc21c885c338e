"""What is done with the receipt of every event. ``receipt.c`` does the same, compiled."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from functools import partial
from typing import Any, Literal, TypeAlias

from otel_events.direct.alarm import Alarm, TimedWait
from otel_events.exceptions import DeliveryError

Place = Literal["memory", "journal", "collector"]

Waiting: TypeAlias = Any
"""A task that waits, as ``wake`` takes it."""


class Receipt(ABC):
    """What is known of an event that is being made safe.

    Args:
        closed: The event must be on disk.
        confirm_seconds: How long to wait for the collector, once the event is on disk; 0 for not at all.

    Attributes:
        where: What has the event; None while nothing has.
        error: Why nothing has it.
    """

    # Of the class, until one has its own: most of these are never set.
    where: Place | None = None
    error: DeliveryError | None = None
    _done = False
    _late = False
    _gate: threading.Event | None = None
    _waiting: asyncio.Future[None] | None = None

    def __init__(self, closed: bool = False, confirm_seconds: float = 0.0) -> None:
        self.closed = closed
        self.confirm_seconds = confirm_seconds

    def __await__(self) -> Generator[Any, Any, Place]:
        """Wait without blocking the event loop, until ``resolve`` or an alarm ends that."""
        if not self._done:
            loop = asyncio.get_running_loop()
            # Whoever resolves it sets `_done` and then looks who waits; so that is set before `_done` is looked at.
            waiting = self._waiting = loop.create_future()
            if not self._done:
                self._alarm(loop).set(TimedWait(waiting.done, partial(self._time_is_up, waiting)))
                yield from waiting
        return self._result()

    @abstractmethod
    def _alarm(self, loop: asyncio.AbstractEventLoop) -> Alarm:
        """Return the alarm for such a wait on a loop."""

    @abstractmethod
    def _time_is_up(self, waiting: Waiting) -> None:
        """Wake one who waits, or have that go on."""

    @abstractmethod
    def _result(self) -> Place:
        """Return what has the event, or raise why nothing has."""


def resolve(receipts: Iterable[Receipt], where: Place | None, error: DeliveryError | None = None) -> bool:
    """Say of events what has them, or why nothing has, and wake those who wait for that.

    Args:
        receipts: Of the events.
        where: What has them.
        error: Why nothing has them, where that is so.

    Returns:
        Whether there are some that wait for the collector now.
    """
    unconfirmed = False
    waiters: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for receipt in receipts:
        receipt.where = where
        if error is not None:
            receipt.error = error
        if where == "journal" and receipt.confirm_seconds and not receipt._late:
            unconfirmed = True
            continue
        receipt._done = True
        if receipt._gate is not None:
            receipt._gate.set()
        if receipt._waiting is not None:
            waiters.setdefault(receipt._waiting.get_loop(), []).append(receipt._waiting)
    for loop, waiting in waiters.items():
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits there any more.
            loop.call_soon_threadsafe(_wake_all, waiting)
    return unconfirmed


def wake(waiting: asyncio.Future[None]) -> None:
    """Resume a task that waits, on its loop."""
    if not waiting.done():
        waiting.set_result(None)


def _wake_all(waiting: Iterable[asyncio.Future[None]]) -> None:
    for one in waiting:
        wake(one)
