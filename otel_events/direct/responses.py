"""Answers as http.client reads them, whatever they look like, within a time as a whole."""

from __future__ import annotations

import http.client
import io
import time
from typing import Any


class Response(http.client.HTTPResponse):
    """An answer that has to come, as a whole, within the timeout that its socket has now.

    Args:
        sock: To read from.
        first: What has been read from it already.
    """

    def __init__(self, sock: Any, *args: Any, first: bytes = b"", **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._bounded = _Bounded(sock, self.fp.detach(), first)
        self._reader = _Reader(self._bounded)
        self.fp = self._reader

    @property
    def leaves_connection(self) -> bool:
        """Whether, once it has been read to its end, the connection can be used again: nothing has come after it."""
        return not self.will_close and self._reader.untouched

    def begin(self) -> None:
        """Read the head.

        Raises:
            http.client.HTTPException: It is none, or breaks off.
            OSError: Likewise.
        """
        super().begin()
        while 100 <= self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            # http.client passes over 100 alone; what follows the others is the answer as well (RFC 9110, 15.2).
            self.headers = self.msg = None  # type: ignore[assignment] # as before it has begun
            super().begin()
        if self.status == http.client.SWITCHING_PROTOCOLS:
            self.will_close = True  # Nobody has asked for another protocol.
        if self._bounded.ended:
            # http.client takes the end of the connection for the end of the head.
            raise http.client.IncompleteRead(b"")


class _Bounded(io.RawIOBase):
    """Reads from a socket, whose timeout is there for each piece, within that timeout as a whole."""

    def __init__(self, sock: Any, reader: io.RawIOBase, first: bytes) -> None:
        self._socket = sock
        self._reader = reader
        self._first = first
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._first:
            size = min(len(buffer), len(self._first))
            buffer[:size], self._first = self._first[:size], self._first[size:]
            return size
        if self.ended:
            return 0
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(seconds)
        size = self._reader.readinto(buffer) or 0
        self.ended = size == 0
        return size

    def close(self) -> None:
        self._reader.close()
        super().close()


class _Reader(io.BufferedReader):
    """Sees, when it is closed, whether it has read no more than was asked of it."""

    untouched = False

    def __init__(self, bounded: _Bounded) -> None:
        super().__init__(bounded)
        self._bounded = bounded

    def close(self) -> None:
        if not self.closed:
            ended, self._bounded.ended = self._bounded.ended, True
            self.untouched = not ended and not self.peek(1)
        super().close()
