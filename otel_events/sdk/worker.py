"""A thread for work that may hang: who waits for it waits no longer than they want to."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Final

_logger = logging.getLogger("otel_events")

_END: Final = None


class Worker:
    """One thread that does what it is given, one after another. It holds up no exit."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], object], threading.Event] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Start the thread ahead of its work: an interpreter that is ending starts no more (Python 3.12 and later)."""
        with self._lock:
            if not self._started:
                threading.Thread(target=self._run, name="otel-events-worker", daemon=True).start()
                self._started = True

    def begin(self, work: Callable[[], object]) -> threading.Event:
        """Give it some work, and return what is set once that is done."""
        self.start()
        done = threading.Event()
        self._work.put((work, done))
        return done

    def end(self) -> None:
        """Have the thread end after the work it has been given."""
        self._work.put(_END)

    def _run(self) -> None:
        while (item := self._work.get()) is not _END:
            work, done = item
            try:
                work()
            except Exception:
                _logger.exception("the SDK's %s raised", getattr(work, "__qualname__", work))
            finally:
                done.set()
