"""The event loop on which async hook implementations run when the application tracks from synchronous code."""

from __future__ import annotations

import os
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio  # Imported where it is used: most applications that track from synchronous code never come here.

T = TypeVar("T")


class HookLoop:
    """A loop in a daemon thread, started when it is first needed, and again in a child that was forked off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T], timeout: float) -> T | None:
        """Run a coroutine in the caller's context and wait for it.

        Args:
            work: What to run. It goes on when the time is up.
            timeout: Seconds to wait at most.

        Returns:
            What it returned; None where it is called on the loop itself, which cannot wait for itself: the work is done later.

        Raises:
            concurrent.futures.TimeoutError: The time is up.
        """
        import asyncio

        loop = self._started()
        try:
            future = asyncio.run_coroutine_threadsafe(work, loop)
        except RuntimeError:  # The loop was stopped in the meantime.
            work.close()
            raise
        if self._thread is threading.current_thread():
            return None
        return future.result(timeout)

    def stop(self, timeout: float) -> None:
        """Cancel what still runs and end the thread, waiting for that no longer than ``timeout`` seconds."""
        if self._pid != os.getpid():
            return  # It is the parent's.
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            if thread is not threading.current_thread():
                thread.join(timeout)

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._pid != os.getpid():
            # The parent's thread is not here, nor is whoever held its lock.
            self._pid, self._lock, self._loop = os.getpid(), threading.Lock(), None
        import asyncio

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="otel-events-hooks", daemon=True
                )
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _cancel_all() -> None:
    import asyncio

    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
