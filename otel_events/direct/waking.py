"""Wakes tasks on an event loop, from whatever thread."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import threading
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
        # Reentrant, because the garbage collector may run code that comes back here.
        self._lock = threading.RLock()
        self._counter = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._finalizer = weakref.finalize(self, os.close, self._counter)
        self._finalizer.atexit = False
        # The loop keeps the context in which this is said, and would keep what the first caller has in its own.
        contextvars.Context().run(loop.add_reader, self._counter, self._hear)

    def __call__(self, waiting: list[Any]) -> None:
        """Have those in a list woken."""
        with self._lock:
            if not self._finalizer.alive:
                return
            self._waiting.append(waiting)
            with contextlib.suppress(OSError):  # Somebody has closed all descriptors, those of the loop too.
                os.eventfd_write(self._counter, 1)

    def close(self) -> None:
        """Let go of the descriptor, and of those who wait. For a loop that is closed."""
        with self._lock:
            self._finalizer()
            self._waiting.clear()

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            # First: what comes from now on is heard anew.
            os.eventfd_read(self._counter)
        try:
            # No more than there are now: those who are woken may soon wait again, and the loop has more to do.
            for _ in range(len(self._waiting)):
                self._wake_all(self._waiting.popleft())
        except BaseException:
            # It ends the loop. Should that be run again, the others go on.
            os.eventfd_write(self._counter, 1)
            raise


def waker_of(loop: asyncio.AbstractEventLoop, wake_all: Waker) -> Waker:
    """Return what wakes tasks on the loop that runs in this thread.

    Args:
        loop: The loop.
        wake_all: Wakes those in a list, on the loop; always the same function.
    """
    try:
        doorbell = _doorbells.get(loop)
        if doorbell is None:
            _close_of_closed()
            doorbell = _doorbells[loop] = Doorbell(loop, wake_all)
    except (AttributeError, NotImplementedError, OSError, RuntimeError, TypeError):
        # A system without counters, or a loop that watches none, or is not one for a dictionary.
        return partial(_call_soon, loop, wake_all)
    return doorbell


def _close_of_closed() -> None:
    """Let go of the descriptors of loops that are closed: the loops themselves may stay until the garbage collector runs."""
    for loop, doorbell in list(_doorbells.items()):
        if loop.is_closed():
            doorbell.close()


def _call_soon(loop: asyncio.AbstractEventLoop, wake_all: Waker, waiting: list[Any]) -> None:
    with contextlib.suppress(RuntimeError):  # The loop is closed.
        loop.call_soon_threadsafe(wake_all, waiting)


_doorbells: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Doorbell]] = weakref.WeakKeyDictionary()
