"""Sending what waits before the work is handed back: for processes that are frozen or ended once a function has returned."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar, cast

from otel_events.exceptions import SettingsError
from otel_events.tracking.tracker import EventTracker
from otel_events.unexported import warn

_MAX_SECONDS: Final = 3600.0
_GRACE_SECONDS: Final = 0.5
"""How much later than it should a flush in a thread may be done, before it is no longer waited for."""

P = ParamSpec("P")
R = TypeVar("R")

TrackerSource = EventTracker | Callable[[], EventTracker | None]
"""A tracker, or what returns it each time it is needed; None where there is none yet."""


class Flusher:
    """Flushes a tracker, within a time, and never raises. What was left waiting is said once, until nothing is left again.

    Args:
        tracker: The tracker, or what returns it.
        timeout: Seconds that one flush may take.
        where: What it is for, as it stands in errors and in the log.

    Raises:
        SettingsError: An argument is of another kind.
    """

    def __init__(self, tracker: TrackerSource, timeout: float, where: str) -> None:
        if not isinstance(tracker, EventTracker) and (inspect.isclass(tracker) or not callable(tracker)):
            raise SettingsError(
                f"{where}: {tracker!r} is no EventTracker and no function that returns one. "
                f"Give it what otel_events.configure() returned."
            )
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= _MAX_SECONDS:
            raise SettingsError(f"{where}: {timeout!r} is no number of seconds above 0 and up to {_MAX_SECONDS:g}.")
        self._tracker = tracker
        self._timeout = float(timeout)
        self._where = where
        self._said = False

    def flush(self) -> None:
        """Have the tracker send what waits, and wait for that."""
        try:
            tracker = self._tracker if isinstance(self._tracker, EventTracker) else self._tracker()
            if tracker is None:
                return
            pending = tracker.flush(self._timeout).pending
        except Exception as error:
            self._say(f"the flush raised {type(error).__name__}", error)
            return
        if pending:
            self._say(f"{pending} were still waiting after {self._timeout:g} s")
        else:
            self._said = False

    async def flush_async(self) -> None:
        """Likewise in a thread, while the event loop goes on."""
        import asyncio

        try:
            await asyncio.wait_for(asyncio.to_thread(self.flush), self._timeout + _GRACE_SECONDS)
        except (asyncio.TimeoutError, RuntimeError) as error:  # Its threads are all at work, or the loop is ending.
            self._say(f"no thread did the flush ({type(error).__name__})")

    def _say(self, what: str, error: Exception | None = None) -> None:
        if not self._said:
            self._said = True
            warn(
                f"events of {self._where}: {what}. They go on waiting, and are lost if the process ends first. "
                "Said once, until a flush leaves nothing; stats() counts.",
                error,
            )


def flush_on_return(tracker: TrackerSource, timeout: float = 2.0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator: whenever the function has returned or raised, what waits is sent before its caller goes on.

    For functions whose process is frozen or ended once they have returned, as serverless platforms do. An async function does not
    hold up the event loop meanwhile. What the function returns or raises is passed on; the flush itself never raises.

    Args:
        tracker: The tracker; or a function that returns it, called after each return, for one that is made later. It may return
            None while there is none.
        timeout: Seconds that the flush may take. What is not sent by then goes on waiting and is sent when the process goes on;
            a line in the log says so, once until nothing is left waiting again.

    Raises:
        SettingsError: An argument is of another kind, or what is decorated is a generator function, which returns before its
            body has run, or no function.
    """
    flusher = Flusher(tracker, timeout, "flush_on_return")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if not callable(function):
            raise SettingsError(
                f"flush_on_return: {type(function).__name__} is no function. Write @flush_on_return(tracker) above one."
            )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise SettingsError(
                f"flush_on_return: {function!r} is a generator function, which returns before its body has run. "
                "Decorate the function that consumes it, or call tracker.flush() at its end."
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def returning_later(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await _finished(function(*args, **kwargs), flusher)

            return cast("Callable[P, R]", returning_later)

        @functools.wraps(function)
        def returning(*args: P.args, **kwargs: P.kwargs) -> R:
            result: R | None = None
            try:
                result = function(*args, **kwargs)
            finally:
                if not inspect.iscoroutine(result):
                    flusher.flush()
            # A decorator in between may have hidden that the function is async.
            return cast("R", _finished(result, flusher) if inspect.iscoroutine(result) else result)

        return returning

    return decorate


async def _finished(work: Coroutine[Any, Any, R], flusher: Flusher) -> R:
    try:
        return await work
    finally:
        await flusher.flush_async()
