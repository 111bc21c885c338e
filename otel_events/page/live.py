"""New events as they come, as server-sent events (HTML standard, "Server-sent events").

One thread waits for the store and wakes the clients in the event loop; each then asks for what is new to it, at most some
times a second, however fast events come.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from otel_events.receiver import Store

MAX_CLIENTS: Final = 50
PING_SECONDS: Final = 15.0

_PACE_SECONDS: Final = 0.2
_WAIT_SECONDS: Final = 0.5
_INDEXING_SECONDS: Final = 0.1
_RETRY_MS: Final = 2_000

LookUp = Callable[[int], Awaitable[dict[str, Any] | None]]
"""Gives what came after an id: ``events``, ``newest_id``, ``skipped``; None where that cannot be told now."""


class Live:
    """Wakes the clients when events come. All but :meth:`close` is called in the event loop."""

    def __init__(self, store: Store, *, ping_seconds: float = PING_SECONDS) -> None:
        """Make it; the thread starts with the first client.

        Args:
            store: Whose events.
            ping_seconds: After how long without anything to send a client is sent a ping.
        """
        self._store = store
        self._ping_seconds = ping_seconds
        self._clients = 0
        self._changed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def is_full(self) -> bool:
        """Whether no more clients are taken."""
        return self._clients >= MAX_CLIENTS

    async def stream(self, look_up: LookUp, after_id: int) -> AsyncIterator[str]:
        """Give the text of a stream, from the events after an id on, until the server stops.

        Args:
            look_up: Asks for events.
            after_id: The id of the last event that the client knows.
        """
        self._clients += 1
        try:
            self._start()
            yield f"retry: {_RETRY_MS}\n\n"
            loop = asyncio.get_running_loop()
            said = loop.time()
            while not self._closed.is_set():
                changed = self._changed_event()
                found = await look_up(after_id)
                if found is None:
                    return  # the client comes again, and says what it has
                after_id = found["newest_id"]
                if found["events"]:
                    yield _message("events", after_id, found)
                    said = loop.time()
                elif loop.time() - said >= self._ping_seconds:
                    yield _message("ping", after_id, {})
                    said = loop.time()
                await asyncio.sleep(_PACE_SECONDS)
                await _until(changed, said + self._ping_seconds - loop.time())
        finally:
            self._clients -= 1

    def close(self) -> None:
        """End all streams and the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        if self._thread is None and not self._closed.is_set():
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._watch, name="otel-events-page-live", daemon=True)
            self._thread.start()

    def _changed_event(self) -> asyncio.Event:
        if self._changed is None or self._changed.is_set():
            self._changed = asyncio.Event()
        return self._changed

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()

    def _watch(self) -> None:
        loop = self._loop
        assert loop is not None  # noqa: S101 # for mypy: set before the thread was started
        newest_id = indexed_id = 0
        while not self._closed.is_set():
            if self._store.indexed_id < self._store.newest_id:
                # Words are found when the index has caught up, which nobody is told of.
                self._closed.wait(_INDEXING_SECONDS)
            else:
                self._store.wait_for_new(newest_id, _WAIT_SECONDS)
            if (newest_id, indexed_id) != (self._store.newest_id, self._store.indexed_id):
                newest_id, indexed_id = self._store.newest_id, self._store.indexed_id
                loop.call_soon_threadsafe(self._wake)
        loop.call_soon_threadsafe(self._wake)


def _message(event: str, event_id: int, data: dict[str, Any]) -> str:
    return f"id: {event_id}\nevent: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _until(changed: asyncio.Event, timeout: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(changed.wait(), max(timeout, 0.0))
