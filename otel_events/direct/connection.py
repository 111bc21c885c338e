"""One connection to a server, for one request after the other."""

from __future__ import annotations

import errno
import http.client
import socket
import time
from typing import Final

import urllib3
from urllib3.util import wait_for_read

from otel_events.direct.heads import Head
from otel_events.direct.replies import Reply, plain_reply, reply_of
from otel_events.direct.responses import Response
from otel_events.direct.sockets import KernelTimedSocket

_FRESH_SECONDS: Final = 1.0
"""A connection that was used so lately is not asked whether the server has closed it."""

_NEAR: Final = 0.01
"""A timeout that is off by no more than this part of itself is left as it is: to set it takes two calls of the system."""

_FIRST_BYTES: Final = 16 * 1024
"""So much of an answer is read at once; most are far shorter."""

_READS_NO_MORE: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})
"""The server has ended the connection before it had read the request. What it has answered may be there all the same."""


class Connection:
    """A connection, which is closed as soon as it is of no use any more.

    Args:
        sock: What it consists of.
        head: What each request begins with.
        pool: Stands in the words of failures.

    Attributes:
        closed: Whether it is.
        was_used: Whether the latest request was not the first.
    """

    def __init__(self, sock: socket.socket, head: Head, pool: urllib3.HTTPConnectionPool) -> None:
        self._socket = sock
        self._head = head
        self._pool = pool
        self._answered_at = 0.0
        self.closed = self.was_used = False

    def ask(self, body: bytes, deadline: float) -> bytes:
        """Send a request and return what comes first of the answer.

        Args:
            body: Of the request.
            deadline: When to give up, by ``time.monotonic``.

        Raises:
            OSError: Nothing comes.
            http.client.HTTPException: Likewise.
        """
        self.was_used = self._answered_at > 0.0
        try:
            self._allow(deadline)
            try:
                self._send(body, deadline)
            except OSError as error:
                if error.errno not in _READS_NO_MORE:
                    raise
            self._allow(deadline)
            first = self._socket.recv(_FIRST_BYTES)
            if not first:
                raise http.client.RemoteDisconnected("Remote end closed connection without response")
        except BaseException:
            self.close()
            raise
        return first

    def reply(self, first: bytes, deadline: float) -> Reply:
        """Read the rest of an answer and return what it is.

        Args:
            first: What has come of it.
            deadline: When to give up, by ``time.monotonic``.

        Raises:
            OSError: It is none, or breaks off.
            http.client.HTTPException: Likewise.
            HTTPError: Likewise.
        """
        reply = plain_reply(first)
        if reply is None:
            try:
                reply = self._other_reply(first, deadline)
            except BaseException:
                self.close()
                raise
        self._answered_at = time.monotonic()
        return reply

    def is_usable(self) -> bool:
        """Say whether another request can be sent, as far as can be told."""
        fresh = time.monotonic() - self._answered_at < _FRESH_SECONDS
        # What there is to be read is the end of the connection, or something that nobody asked for.
        return fresh or not wait_for_read(self._socket, timeout=0.0)

    def close(self) -> None:
        """Close it."""
        self.closed = True
        self._socket.close()

    def _allow(self, deadline: float) -> None:
        """Let the next call take until then."""
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        if abs((self._socket.gettimeout() or 0.0) - seconds) > seconds * _NEAR:
            self._socket.settimeout(seconds)

    def _send(self, body: bytes, deadline: float) -> None:
        head = self._head.of(body)
        if isinstance(self._socket, KernelTimedSocket):
            self._socket.send_pieces([head, body], deadline)
        else:
            self._socket.sendall(head + body)

    def _other_reply(self, first: bytes, deadline: float) -> Reply:
        self._allow(deadline)
        answer = Response(self._socket, method="POST", first=first)
        try:
            answer.begin()
            response = urllib3.HTTPResponse(
                answer,
                urllib3.HTTPHeaderDict(answer.headers.items()),
                answer.status,
                reason=answer.reason,
                preload_content=False,
                decode_content=False,
                original_response=answer,
                pool=self._pool,
                request_method="POST",
            )
            reply = reply_of(response)
        finally:
            answer.close()
        if not (reply.whole and answer.leaves_connection):
            self.close()
        return reply
