"""Threads that work behind the callers, each in the process that started it and in no other."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final


def own_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Return a daemon thread of this process, also where threads are greenlets: gevent's fork takes those along into the child.

    Args:
        work: What it does. Before it touches what belongs to one process, it has to look whether this is still that one, and
            to return if it is not.
        name: Of the thread.
    """
    pid = os.getpid()

    def run() -> None:
        _here.is_own = True
        work()
        if os.getpid() != pid:
            # It must not end: after a fork threading knows only the thread that forked, and would raise.
            threading.Event().wait()

    return threading.Thread(target=run, name=name, daemon=True)


def is_own_thread() -> bool:
    """Tell whether this is one of them, which must not wait for what they do: a finalizer that tracks an event runs anywhere."""
    return _here.is_own


class _Here(threading.local):
    is_own = False


_here: Final = _Here()
