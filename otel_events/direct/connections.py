"""The connections that requests go over: urllib3's, whose answers have to come within a time as a whole.

Each system call gives the interpreter to whoever waits for it, and a thread that computes then keeps it for 5 ms
(``sys.getswitchinterval``). So on plain connections the kernel keeps the timeouts, and a request is one call that writes and one
that reads; Python's own sockets ask and wait in some ten.
"""

from __future__ import annotations

import http.client
import io
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool, HTTPResponse

_FRESH_SECONDS: Final = 1.0
"""A connection that was used so lately is not asked whether the server has closed it."""


def use_own_connections(pool: HTTPConnectionPool) -> None:
    """Have a pool make the connections that are described here."""
    pool.ConnectionCls = _HttpsConnection if isinstance(pool, HTTPSConnectionPool) else _HttpConnection


class _KernelTimedSocket(socket.socket):
    """A blocking socket whose timeouts the kernel keeps (``SO_RCVTIMEO`` and ``SO_SNDTIMEO`` in socket(7))."""

    _seconds: float | None = None

    @classmethod
    def of(cls, sock: socket.socket) -> _KernelTimedSocket:
        """Return one for the connection of another socket, which is of no use any more."""
        seconds = sock.gettimeout()
        timed = cls(sock.family, sock.type, sock.proto, fileno=sock.detach())
        socket.socket.settimeout(timed, None)
        timed.settimeout(seconds)
        return timed

    def settimeout(self, value: float | None, /) -> None:
        self._seconds = value
        # Zero stands for no timeout.
        microseconds = 0 if value is None else max(round(value * 1e6), 1)
        timeval = struct.pack("@ll", *divmod(microseconds, 1_000_000))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)

    def gettimeout(self) -> float | None:
        return self._seconds

    def send_pieces(self, pieces: list[bytes]) -> None:
        """Send all of these, in one call where the server reads fast enough, within the timeout as a whole."""
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        rest = [memoryview(piece) for piece in pieces]
        while True:
            try:
                sent = self.sendmsg(rest)
            except BlockingIOError:
                raise TimeoutError("timed out") from None
            while rest and sent >= len(rest[0]):
                sent -= len(rest.pop(0))
            if not rest:
                return
            rest[0] = rest[0][sent:]
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError("timed out")

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        try:
            return super().recv_into(buffer, nbytes, flags)
        except BlockingIOError:
            raise TimeoutError("timed out") from None


class _Bounded(io.RawIOBase):
    """Reads an answer from a socket, whose timeout is there for each piece, within that timeout as a whole."""

    def __init__(self, sock: Any, reader: io.RawIOBase) -> None:
        self._socket = sock
        self._reader = reader
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)
        self._first = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._first:  # The socket's own timeout is still the whole.
            self._first = False
            return self._reader.readinto(buffer)
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(seconds)
        return self._reader.readinto(buffer)

    def close(self) -> None:
        self._reader.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bounded(sock, self.fp.detach()))


class _HttpConnection(HTTPConnection):
    response_class = _Response
    _answered_at = 0.0

    def connect(self) -> None:
        super().connect()
        # Where gevent has put its own sockets in the place of Python's, waiting is for its hub.
        if sys.platform == "linux" and type(self.sock) is socket.socket and socket.socket.__module__ == "socket":
            self.sock = _KernelTimedSocket.of(self.sock)

    @property
    def is_connected(self) -> bool:
        fresh = time.monotonic() - self._answered_at < _FRESH_SECONDS
        return not self.is_closed if fresh else super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._held: list[bytes] = []
        super().request(*args, **kwargs)
        self._send_held()

    def send(self, data: Any) -> None:
        """Send the head of a request together with its body."""
        if self.is_closed:
            self.connect()
        if not isinstance(self.sock, _KernelTimedSocket):
            super().send(data)
            return
        self._held.append(data)
        if len(self._held) > 1:
            self._send_held()

    def _send_held(self) -> None:
        held, self._held = self._held, []
        if held:
            sock: Any = self.sock
            sock.send_pieces(held)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 itself has it
        response = super().getresponse()
        self._answered_at = time.monotonic()
        return response


class _HttpsConnection(HTTPSConnection):
    response_class = _Response
