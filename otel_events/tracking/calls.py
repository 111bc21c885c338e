"""Calling hook implementations, each on its own: one that raises, hangs or is cancelled is its own affair."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pluggy

from otel_events.counts import Counts
from otel_events.outcome import Receipt
from otel_events.tracking.hook_loop import HookLoop

_logger = logging.getLogger("otel_events")

_GRACE_SECONDS = 0.5

OnError = Callable[[Exception, Any], None]
"""Called with what a hook implementation raised, and the event; None stands for the event outside ``track_event``."""

Returned = tuple[pluggy.HookImpl, Any]
"""A hook implementation and what it returned."""


class Calls:
    """Calls hook implementations and waits for what they return; what they raise is counted, logged once, and handed on.

    Args:
        on_error: Is handed what they raise.
        timeout_seconds: How long to wait for what one event's implementations return.
    """

    def __init__(self, on_error: OnError | None, timeout_seconds: float) -> None:
        self.failures = Counts()
        self._on_error = on_error
        self._timeout_seconds = timeout_seconds
        self._loop = HookLoop()
        self._tasks: set[asyncio.Task[None]] = set()

    def call_all(self, impls: Iterable[pluggy.HookImpl], event: Any) -> list[Returned]:
        """Call implementations with an event, and return those that returned something with what they did."""
        returned = []
        for impl in impls:
            try:
                result = _call(impl, event)
            except Exception as error:
                self._failed(impl, error, event)
            else:
                if result is not None:
                    returned.append((impl, result))
        return returned

    def wait(self, returned: Iterable[Returned], event: Any) -> None:
        """Wait, in synchronous code, for the receipts and awaitables among what was returned."""
        deadline = time.monotonic() + self._timeout_seconds
        receipts, others = [], []
        for impl, result in returned:
            if isinstance(result, Receipt):
                receipts.append((impl, result))
            elif inspect.isawaitable(result):
                others.append((impl, result))
        if others:
            try:
                # Settling has its own end; this one is for when something blocks the loop itself.
                self._loop.run(self._settle(others, event), self._timeout_seconds + _GRACE_SECONDS)
            except Exception as error:
                self._failed(others[0][0], error, event)
        for impl, receipt in receipts:
            try:
                receipt.wait(max(deadline - time.monotonic(), 0.0))
            except Exception as error:
                self._failed(impl, error, event)

    async def wait_async(self, returned: Iterable[Returned], event: Any) -> None:
        """Likewise in asynchronous code. When the caller is cancelled, what was begun goes on."""
        waiting = [(impl, result) for impl, result in returned if inspect.isawaitable(result)]
        if waiting:
            task = asyncio.ensure_future(self._settle(waiting, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.shield(task)

    def result(self, impl: pluggy.HookImpl, argument: Any = None, timeout: float | None = None) -> Any:
        """Call one implementation, sync or async, and return its result.

        Args:
            impl: The implementation.
            argument: The hook's argument, if it has one.
            timeout: Seconds to wait for an async one; default the general ones.

        Raises:
            Exception: What it raises, or a ``TimeoutError``.
        """
        result = _call(impl, argument)
        if inspect.isawaitable(result):
            return self._loop.run(_await(result), self._timeout_seconds if timeout is None else timeout)
        return result

    def try_result(self, impl: pluggy.HookImpl, argument: Any = None, timeout: float | None = None) -> Any:
        """Likewise, but None where it raises."""
        try:
            return self.result(impl, argument, timeout)
        except Exception as error:
            self._failed(impl, error, None)
            return None

    def stop(self, timeout: float) -> None:
        """End the loop's thread, if there is one, waiting for that no longer than ``timeout`` seconds."""
        self._loop.stop(timeout)

    async def _settle(self, waiting: list[Returned], event: Any) -> None:
        """Await what was returned, all at once, so that none waits for another."""
        tasks = {asyncio.ensure_future(_await(result)): impl for impl, result in waiting}
        await asyncio.wait(tasks, timeout=self._timeout_seconds)
        for task, impl in tasks.items():
            if not task.done():
                task.cancel()
                self._failed(impl, TimeoutError(f"not done within {self._timeout_seconds:g} s"), event)
            elif task.cancelled():
                self._failed(impl, RuntimeError("it was cancelled"), event)
            elif isinstance(error := task.exception(), Exception):
                self._failed(impl, error, event)

    def _failed(self, impl: pluggy.HookImpl, error: Exception, event: Any) -> None:
        if self.failures.add(f"{impl.plugin_name}: {type(error).__name__}") == 1:
            _logger.error(
                "hook implementation %s of plugin %r raised %s; the other plugins go on. Further ones are counted in stats().",
                getattr(impl.function, "__qualname__", impl.function),
                impl.plugin_name,
                type(error).__name__,
                exc_info=error,
            )
        if self._on_error is not None:
            try:
                self._on_error(error, event)
            except Exception:
                _logger.exception("on_error itself raised")


def _call(impl: pluggy.HookImpl, argument: Any) -> Any:
    return impl.function(argument) if impl.argnames else impl.function()


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
