"""The sockets that requests go over.

Each system call gives the interpreter to whoever waits for it, and a thread that computes then keeps it for 5 ms
(``sys.getswitchinterval``). So on plain connections the kernel keeps the timeouts, and a request is one call that writes and one
that reads; Python's own sockets ask and wait in some ten.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from typing import Any


class KernelTimedSocket(socket.socket):
    """A blocking socket whose timeouts the kernel keeps (``SO_RCVTIMEO`` and ``SO_SNDTIMEO`` in socket(7))."""

    _seconds: float | None = None

    @classmethod
    def of(cls, sock: socket.socket) -> KernelTimedSocket:
        """Return one for the connection of another socket, which is of no use any more."""
        seconds = sock.gettimeout()
        timed = cls(sock.family, sock.type, sock.proto, fileno=sock.detach())
        socket.socket.settimeout(timed, None)
        timed.settimeout(seconds)
        return timed

    def settimeout(self, value: float | None, /) -> None:
        """Set for how long, in seconds, a call may wait; None for ever."""
        self._seconds = value
        # Zero stands for no timeout.
        microseconds = 0 if value is None else max(round(value * 1e6), 1)
        timeval = struct.pack("@ll", *divmod(microseconds, 1_000_000))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)

    def gettimeout(self) -> float | None:
        """Return that."""
        return self._seconds

    def send_pieces(self, pieces: list[bytes], deadline: float) -> None:
        """Send all of these, in one call where the other side reads fast enough.

        Args:
            pieces: What to send.
            deadline: When to give up, by ``time.monotonic``; looked at once a call ends.

        Raises:
            TimeoutError: They were not sent by then, or within the timeout.
        """
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
            if time.monotonic() >= deadline:
                raise TimeoutError("timed out")

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive as any socket does.

        Raises:
            TimeoutError: Nothing came within the timeout.
        """
        try:
            return super().recv(bufsize, flags)
        except BlockingIOError:
            raise TimeoutError("timed out") from None

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Likewise."""
        try:
            return super().recv_into(buffer, nbytes, flags)
        except BlockingIOError:
            raise TimeoutError("timed out") from None


def kernel_timed(sock: socket.socket) -> socket.socket:
    """Return what a plain connection is used with: where possible a ``KernelTimedSocket``, else the socket itself."""
    # Where gevent has put its own sockets in the place of Python's, waiting is for its hub. TLS has sockets of its own.
    own = type(sock) is socket.socket and socket.socket.__module__ == "socket"
    return KernelTimedSocket.of(sock) if own and sys.platform == "linux" else sock
