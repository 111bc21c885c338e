"""Calling hook implementations, each on its own: one that raises, hangs or is cancelled is its own affair.

A ``DeliveryError`` is the application's, too: it is raised there when all the others have been called and awaited.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Generator, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pluggy

from otel_events.counts import Counts
from otel_events.exceptions import DeliveryError
from otel_events.outcome import Receipt
from otel_events.tracking.hook_loop import HookLoop
from otel_events.unexported import warn

if TYPE_CHECKING:
    import asyncio  # It takes longer to import than this whole package, and synchronous applications may do without.

_logger = logging.getLogger("otel_events")

_GRACE_SECONDS = 0.5

OnError = Callable[[Exception, Any], None]
"""Called with what a hook implementation raised, and the event; None stands for the event outside ``track_event``."""

Bound = tuple[pluggy.HookImpl, Callable[[Any], Any]]
"""A hook implementation and the function that calls it with the hook's argument."""

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
        self._tasks: set[asyncio.Task[DeliveryError | None]] = set()

    def call_all(self, bound: Iterable[Bound], event: Any) -> list[Returned]:
        """Call implementations with an event, and return those that returned something with what they did."""
        returned = []
        for impl, call in bound:
            try:
                result = call(event)
            except DeliveryError as error:
                returned.append((impl, _Refusal(error)))
            except Exception as error:
                self._failed(impl, error, event)
            else:
                if result is not None:
                    returned.append((impl, result))
        return returned

    def wait(self, returned: list[Returned], event: Any) -> None:
        """Wait, in synchronous code, for the receipts and awaitables among what was returned.

        Raises:
            DeliveryError: The first one, when everything has been waited for.
        """
        deadline = time.monotonic() + self._timeout_seconds
        receipts, others = _sorted_out(returned)
        refusal: DeliveryError | None = None
        if others:
            try:
                # Settling has its own end; this one is for when something blocks the loop itself.
                refusal = self._loop.run(self._settle(others, event), self._timeout_seconds + _GRACE_SECONDS)
            except Exception as error:
                self._failed(others[0][0], error, event)
        for impl, receipt in receipts:
            try:
                receipt.wait(max(deadline - time.monotonic(), 0.0))
            except Exception as error:
                self._failed(impl, error, event)
                refusal = refusal or _refusal(error)
        if refusal is not None:
            raise refusal

    async def wait_async(self, returned: list[Returned], event: Any) -> None:
        """Likewise in asynchronous code. When the caller is cancelled, what was begun goes on.

        Receipts see to that themselves, so they are awaited as they are: a task for each event would cost more than the rest.

        Raises:
            DeliveryError: The first one, when everything has been awaited.
        """
        receipts, others = _sorted_out(returned)
        refusal: DeliveryError | None = None
        settled = self._begin_settling(others, event) if others else None
        for impl, receipt in receipts:
            try:
                await receipt
            except Exception as error:
                self._failed(impl, error, event)
                refusal = refusal or _refusal(error)
        if settled is not None:
            refusal = await settled or refusal
        if refusal is not None:
            raise refusal

    def failed_receipt(self, impl: pluggy.HookImpl, event: Any, error: Exception) -> None:
        """Note what was raised by the receipt that an implementation returned.

        Raises:
            DeliveryError: It was one.
        """
        self._failed(impl, error, event)
        if isinstance(error, DeliveryError):
            raise error

    def result(self, impl: pluggy.HookImpl, argument: Any = None, timeout: float | None = None) -> Any:
        """Call one implementation, sync or async, and return its result.

        Args:
            impl: The implementation.
            argument: The hook's argument, if it has one.
            timeout: Seconds to wait for an async one; default the general ones.

        Raises:
            Exception: What it raises, or a ``TimeoutError``.
        """
        _, call = bind(impl)
        result = call(argument)
        if inspect.isawaitable(result):
            return self._loop.run(_await(result), self._timeout_seconds if timeout is None else timeout)
        return result

    def try_result(
        self, impl: pluggy.HookImpl, argument: Any = None, timeout: float | None = None, *, default: Any = None
    ) -> Any:
        """Likewise, but the ``default`` where it raises."""
        try:
            return self.result(impl, argument, timeout)
        except Exception as error:
            self._failed(impl, error, None)
            return default

    def stop(self, timeout: float) -> None:
        """End the loop's thread, if there is one, waiting for that no longer than ``timeout`` seconds."""
        self._loop.stop(timeout)

    def _begin_settling(self, waiting: list[Returned], event: Any) -> asyncio.Future[DeliveryError | None]:
        """Settle in a task, which goes on when whoever awaits the result is cancelled."""
        import asyncio

        task = asyncio.ensure_future(self._settle(waiting, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)

    async def _settle(self, waiting: list[Returned], event: Any) -> DeliveryError | None:
        """Await what was returned, all at once, so that none waits for another; return the first refusal."""
        import asyncio

        refusal: DeliveryError | None = None
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
                refusal = refusal or _refusal(error)
        return refusal

    def _failed(self, impl: pluggy.HookImpl, error: Exception, event: Any) -> None:
        first = self.failures.add(f"{impl.plugin_name}: {type(error).__name__}") == 1
        if first and isinstance(error, DeliveryError):
            # The application gets it, traceback and all.
            warn(f"plugin {impl.plugin_name!r} raised a DeliveryError: {error} Further ones are counted in stats().")
        elif first:
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


class _Refusal:
    """The receipt of an event for which an implementation raised a ``DeliveryError`` at once."""

    def __init__(self, error: DeliveryError) -> None:
        self._error = error

    def wait(self, timeout: float | None = None) -> None:
        raise self._error

    def __await__(self) -> Generator[Any, Any, None]:
        return self._raised().__await__()

    async def _raised(self) -> None:
        raise self._error


def _refusal(error: Exception) -> DeliveryError | None:
    return error if isinstance(error, DeliveryError) else None


def _sorted_out(returned: list[Returned]) -> tuple[list[Returned], list[Returned]]:
    """Return the receipts among what was returned, and what else can be awaited; the rest is nothing to wait for."""
    receipts, others = [], []
    for impl, result in returned:
        if is_receipt(type(result)):  # type: ignore[arg-type] # mypy has it that a class cannot be hashed
            receipts.append((impl, result))
        elif inspect.isawaitable(result):
            others.append((impl, result))
    return receipts, others


@lru_cache(maxsize=256)
def is_receipt(cls: type) -> bool:
    """Tell whether the objects of a class are receipts: to ask the class itself takes long."""
    return issubclass(cls, Receipt)


def bind(impl: pluggy.HookImpl) -> Bound:
    """Return an implementation with the function that calls it; it may have left out the argument."""
    return impl, impl.function if impl.argnames else lambda _argument: impl.function()


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
