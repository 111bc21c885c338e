"""Wakes tasks on an event loop, from whatever thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

Waker = Callable[[list[Any]], None]
"""Has those in a list woken, on their loop. Any thread may call it; where the loop is closed, nothing happens."""


class Doorbell:
    """The waker of one event loop, in whose thread it is made.

    ``loop.call_soon_threadsafe`` does the same for more: it makes a handle with each call and sends a byte through a pair of
    sockets, from which the loop reads until there is an error. Here a counter in the kernel is raised and read once: eventfd(2).

    Args:
        loop: The loop; it is not kept.
        wake_all: Wakes those in a list; called on the loop.

    Raises:
        AttributeError: The system has no such counters.
        NotImplementedError: The loop watches no descriptors.
        OSError: Too many are open.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, wake_all: Waker) -> None:
        self._wake_all = wake_all
        self._waiting: deque[list[Any]] = deque()
        self._counter = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # Not when the loop is closed, but when nobody can call this any more: the number is another file's then.
        weakref.finalize(self, os.close, self._counter).atexit = False
        loop.add_reader(self._counter, self._hear)

    def __call__(self, waiting: list[Any]) -> None:
        """Have those in a list woken."""
        self._waiting.append(waiting)
        os.eventfd_write(self._counter, 1)

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            # First: what comes from now on is heard anew.
            os.eventfd_read(self._counter)
        try:
            while self._waiting:
                self._wake_all(self._waiting.popleft())
        finally:
            if self._waiting:  # Something has ended the loop. Should that be run again, the others go on.
                os.eventfd_write(self._counter, 1)


def waker_of(loop: asyncio.AbstractEventLoop, wake_all: Waker) -> Waker:
    """Return what wakes tasks on the loop that runs in this thread.

    Args:
        loop: The loop.
        wake_all: Wakes those in a list, on the loop; always the same function.
    """
    doorbell = _doorbells.get(loop)
    if doorbell is None:
        try:
            doorbell = _doorbells[loop] = Doorbell(loop, wake_all)
        except (AttributeError, NotImplementedError, OSError):
            return partial(_call_soon, loop, wake_all)
    return doorbell


def _call_soon(loop: asyncio.AbstractEventLoop, wake_all: Waker, waiting: list[Any]) -> None:
    with contextlib.suppress(RuntimeError):  # The loop is closed.
        loop.call_soon_threadsafe(wake_all, waiting)


_doorbells: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Doorbell]] = weakref.WeakKeyDictionary()
