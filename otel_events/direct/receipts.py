"""Receipts: what an event's caller waits for, until the event is as safe as its delivery promises."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator, Iterable
from typing import Any, Final, Literal

from otel_events.direct.alarm import alarm_of
from otel_events.exceptions import DeliveryError

Place = Literal["memory", "journal", "collector"]

BOUND_SECONDS: Final = 10.0
"""So long a caller waits at most."""


class DeliveryReceipt:
    """Of one event. The thread that writes the journal, and the one that exports, resolve it; the event's caller waits.

    Args:
        closed: The event must be on disk: where it cannot be, the caller gets a ``DeliveryError``.
        confirm_seconds: How long to wait for the collector, once the event is on disk; 0 for not at all.

    Attributes:
        where: What has the event: ``memory``, ``journal`` or ``collector``; None while nothing has.
        error: Why nothing has it.
    """

    # Of the class, until one has its own: most of these are never set.
    where: Place | None = None
    error: DeliveryError | None = None
    _done = False
    _late = False
    _gate: threading.Event | None = None
    _waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None

    def __init__(self, *, closed: bool = False, confirm_seconds: float = 0.0) -> None:
        self.closed = closed
        self.confirm_seconds = confirm_seconds

    def wait(self, timeout: float | None = None) -> Place:
        """Block until the event is where it has to be.

        Args:
            timeout: Seconds to wait; never longer than ``BOUND_SECONDS``.

        Returns:
            What has it.

        Raises:
            DeliveryError: The journal could not take it, or has not yet, and it must.
            TimeoutError: It has not yet.
        """
        bound = BOUND_SECONDS if timeout is None else min(timeout, BOUND_SECONDS)
        # Whoever resolves it sets `_done` and then looks for a gate; so the gate is there before `_done` is looked at.
        gate = self._gate = self._gate or threading.Event()
        if not self._done:
            first = min(self.confirm_seconds or bound, bound)
            if not gate.wait(first) and self._still_waits():
                gate.wait(bound - first)
        return self._result()

    def __await__(self) -> Generator[Any, Any, Place]:
        """Wait likewise, without blocking the event loop, at most ``BOUND_SECONDS``."""
        if not self._done:
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            self._waiter = (loop, future)
            if not self._done:
                alarm_of(loop, self.confirm_seconds or BOUND_SECONDS).set(future, self._time_is_up)
                yield from future
        return self._result()

    def _still_waits(self) -> bool:
        """Take note that the collector has had its time, and say whether the event is not even on disk."""
        self._late = True
        return self.where is None

    def _time_is_up(self, future: asyncio.Future[None]) -> None:
        if self.confirm_seconds and not self._late and self._still_waits():
            future.get_loop().call_later(max(BOUND_SECONDS - self.confirm_seconds, 0.0), _open, [future])
        else:
            _open([future])

    def _result(self) -> Place:
        if self.error is not None:
            raise self.error
        if self.where is not None:
            return self.where
        said = f"an event is not on disk after {BOUND_SECONDS:g} s at most, and may still come to be. Look at the disk."
        raise DeliveryError(said) if self.closed else TimeoutError(said)


def resolve(receipts: Iterable[DeliveryReceipt], where: Place | None, error: DeliveryError | None = None) -> None:
    """Say of events what has them, or why nothing has, and wake those who wait for that.

    Args:
        receipts: Of the events.
        where: What has them.
        error: Why nothing has them, where that is so.
    """
    waiters: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for receipt in receipts:
        receipt.where = where
        if error is not None:
            receipt.error = error
        if where == "journal" and receipt.confirm_seconds and not receipt._late:
            continue
        receipt._done = True
        if receipt._gate is not None:
            receipt._gate.set()
        if receipt._waiter is not None:
            loop, future = receipt._waiter
            waiters.setdefault(loop, []).append(future)
    for loop, futures in waiters.items():
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits there any more.
            loop.call_soon_threadsafe(_open, futures)


def _open(futures: Iterable[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
