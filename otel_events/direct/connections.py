"""The connections to a server that are kept: urllib3 makes them, and its exceptions say what went wrong."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping
from typing import Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ProtocolError, ReadTimeoutError, SSLError
from urllib3.util.ssl_match_hostname import CertificateError

from otel_events.direct.connection import Connection
from otel_events.direct.heads import head_of_posts
from otel_events.direct.replies import Reply
from otel_events.direct.sockets import kernel_timed

_KEPT_CONNECTIONS: Final = 2

_TIMED_OUT: Final = 408


class Connections:
    """Posts to one URL, on connections that are kept open. Several threads may do so at once.

    Args:
        url: Where to.
        headers: Of each request, without those about its body's length.
        context: For TLS; None without.

    Raises:
        HTTPError: There can be no such URL.
        ValueError: A header cannot be sent.
    """

    def __init__(self, url: str, headers: Mapping[str, str], context: ssl.SSLContext | None) -> None:
        self._url = url
        self._context = context
        # Makes no connections: it knows the host and the port, and stands in the words of exceptions.
        self._pool = urllib3.connection_from_url(url)
        self._head = head_of_posts(self._pool, urllib3.util.parse_url(url).request_uri, headers)
        self._lock = threading.Lock()
        self._closed = False
        self._idle: deque[Connection] = deque()
        weakref.finalize(self, _close, self._idle)

    def post(self, body: bytes, seconds: float) -> Reply:
        """Post a body; once more, on a new connection, where the server has closed a kept one meanwhile.

        Args:
            body: What to post.
            seconds: How long to wait for the whole reply.

        Raises:
            HTTPError: There is no reply.
        """
        deadline = time.monotonic() + seconds
        try:
            connection, first = self._asked(body, deadline)
            reply = connection.reply(first, deadline)
            if reply.status == _TIMED_OUT and connection.was_used:
                # So it ends a connection on which nothing came for long: it is not about this request (RFC 9110, 15.5.9).
                connection.close()
                connection = self._new(deadline)
                reply = connection.reply(connection.ask(body, deadline), deadline)
        except TimeoutError as error:
            raise ReadTimeoutError(self._pool, self._url, f"Read timed out. (read timeout={seconds:g})") from error
        except (ssl.SSLError, CertificateError) as error:
            raise SSLError(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise ProtocolError("Connection aborted.", error) from error
        self._keep(connection)
        return reply

    def close(self) -> None:
        """Close the connections; those in use, once there is a reply."""
        with self._lock:
            self._closed = True
        _close(self._idle)

    def _asked(self, body: bytes, deadline: float) -> tuple[Connection, bytes]:
        """Return the connection over which a request has been sent, and what has come of the answer."""
        kept = self._kept()
        if kept is not None:
            try:
                return kept, kept.ask(body, deadline)
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException):
                pass  # The server has closed it meanwhile.
        new = self._new(deadline)
        return new, new.ask(body, deadline)

    def _kept(self) -> Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_usable():
                return connection
            connection.close()

    def _new(self, deadline: float) -> Connection:
        host, port, seconds = self._pool.host, self._pool.port, max(deadline - time.monotonic(), 0.001)
        made: HTTPConnection
        if self._context is None:
            made = HTTPConnection(host, port, timeout=seconds)
        else:
            made = HTTPSConnection(host, port, timeout=seconds, ssl_context=self._context)
        try:
            made.connect()
        except BaseException:
            made.close()
            raise
        return Connection(kernel_timed(made.sock), self._head, self._pool)

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if not connection.closed and not self._closed and len(self._idle) < _KEPT_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()


def _close(connections: deque[Connection]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            connections.pop().close()
