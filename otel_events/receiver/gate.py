"""Back-pressure: how much of what comes in may be under way at once, over both transports together."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Final

RETRY_AFTER_SECONDS: Final = 1
"""When a sender that was turned away is told to come again."""


class BusyError(Exception):
    """There is no room for a request now."""


class Gate:
    """Bounds how many requests are under way, and their bytes. May be used from any thread.

    Attributes:
        turned_away: How many requests found no room.
    """

    def __init__(self, *, max_requests: int, max_bytes: int) -> None:
        """Make a gate with nothing under way.

        Args:
            max_requests: How many requests may be under way.
            max_bytes: How many bytes they may have together; unpacked where they are unpacked.
        """
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._requests = 0
        self._bytes = 0
        self.turned_away = 0

    def enter(self) -> Passage:
        """Let a request in, as a context manager: it is under way until the block ends.

        Raises:
            BusyError: As many as may be are under way.
        """
        self._change(requests=1, size=0)
        return Passage(self)

    def _change(self, *, requests: int, size: int) -> None:
        with self._lock:
            if requests > 0 and self._requests + requests > self._max_requests:
                self.turned_away += 1
                raise BusyError(f"The receiver is busy: {self._requests} requests are under way. Send this one again.")
            if size > 0 and self._bytes + size > self._max_bytes:
                self.turned_away += 1
                raise BusyError(f"The receiver is busy: {self._bytes} bytes are under way. Send this again.")
            self._requests += requests
            self._bytes += size


class Passage:
    """One request that is under way."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._size = 0

    def hold(self, size: int) -> None:
        """Say how many bytes the request has now.

        Raises:
            BusyError: There is no room for more than it had.
        """
        self._gate._change(requests=0, size=size - self._size)
        self._size = size

    def __enter__(self) -> Passage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._gate._change(requests=-1, size=-self._size)
