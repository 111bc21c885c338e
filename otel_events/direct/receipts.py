"""Receipts: what an event's caller waits for, until the event is as safe as its delivery promises."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

from otel_events.direct.alarm import Alarm, alarm_of
from otel_events.direct.plain_receipt import Place, Waiting
from otel_events.direct.thread import is_own_thread
from otel_events.exceptions import DeliveryError

try:
    from otel_events.direct.receipt import Receipt, resolve, wake
except ImportError:  # no compiler where it was installed
    from otel_events.direct.plain_receipt import Receipt, resolve, wake  # type: ignore[assignment] # which do the same

__all__ = ["BOUND_SECONDS", "DeliveryReceipt", "Place", "resolve"]

BOUND_SECONDS: Final = 10.0
"""So long a caller waits at most."""


class DeliveryReceipt(Receipt):
    """Of one event. The thread that writes the journal, and the one that exports, resolve it; the event's caller waits.

    Args:
        closed: The event must be on disk: where it cannot be, the caller gets a ``DeliveryError``.
        confirm_seconds: How long to wait for the collector, once the event is on disk; 0 for not at all.

    Attributes:
        where: What has the event: ``memory``, ``journal`` or ``collector``; None while nothing has.
        error: Why nothing has it.
    """

    __slots__ = ()

    def wait(self, timeout: float | None = None) -> Place:
        """Block until the event is where it has to be.

        Args:
            timeout: Seconds to wait; never longer than ``BOUND_SECONDS``, and not at all on a thread that works on delivery.

        Returns:
            What has it.

        Raises:
            DeliveryError: The journal could not take it, or has not yet, and it must.
            TimeoutError: It has not yet.
        """
        bound = BOUND_SECONDS if timeout is None else min(timeout, BOUND_SECONDS)
        if is_own_thread():
            bound = 0.0  # It would wait for itself.
        # Whoever resolves it sets `_done` and then looks for a gate; so the gate is there before `_done` is looked at.
        gate = self._gate = self._gate or threading.Event()
        if not self._done:
            first = min(self.confirm_seconds or bound, bound)
            if not gate.wait(first) and self._still_waits():
                gate.wait(bound - first)
        return self._result()

    def _alarm(self, loop: asyncio.AbstractEventLoop) -> Alarm:
        return alarm_of(loop, self.confirm_seconds or BOUND_SECONDS)

    def _still_waits(self) -> bool:
        """Take note that the collector has had its time, and say whether the event is not even on disk."""
        self._late = True
        return self.where is None

    def _time_is_up(self, waiting: Waiting) -> None:
        if self.confirm_seconds and not self._late and self._still_waits():
            waiting.get_loop().call_later(max(BOUND_SECONDS - self.confirm_seconds, 0.0), wake, waiting)
        else:
            wake(waiting)

    def _result(self) -> Place:
        if self.error is not None:
            raise self.error
        if self.where is not None:
            return self.where
        said = f"an event is not on disk after {BOUND_SECONDS:g} s at most, and may still come to be. Look at the disk."
        raise DeliveryError(said) if self.closed else TimeoutError(said)
