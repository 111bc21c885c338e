"""A connection of the HTTP server that is closed where no whole request comes over it.

uvicorn waits for the first request of a connection, and for the rest of one that has begun, without an end. So those who only
connect, or send a byte now and then, would in time have all connections there may be.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 10.0
"""How long a connection may be without a request: since it was made, or since its last one was answered."""


class Connection(H11Protocol):
    """One connection. Where there are as many as may be, that which has been without a request the longest makes room."""

    _waits_since: float | None = None
    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the base
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._look()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            waiting = [other for other in self.connections if isinstance(other, Connection) and other is not self]
            ages = {other._waits_since: other for other in waiting if other._waits_since is not None}
            if ages:
                ages[min(ages)]._give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._stop_waiting()

    def data_received(self, data: bytes) -> None:
        """See whether this completes the head of a request."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        """Wait where no request is under way, and not where one is."""
        is_under_way = self.cycle is not None and not self.cycle.response_complete
        if is_under_way or self.transport.is_closing():
            self._stop_waiting()
        elif self._waits_since is None:
            self._waits_since = self.loop.time()
            self._end = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = self._waits_since = None

    def _give_up(self) -> None:
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.close()
