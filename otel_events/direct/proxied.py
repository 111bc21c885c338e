"""Requests that go through a proxy: by urllib3 as it is, but that answers have to come within a time as a whole."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ProtocolError, ProxyError

from otel_events.direct.replies import Reply, reply_of
from otel_events.direct.responses import Response

_KEPT_CONNECTIONS: Final = 2


class Proxied:
    """Posts to one URL through a proxy, on connections that are kept open.

    Args:
        proxy: The URL of the proxy, with credentials where it wants some.
        url: Where to.
        headers: Of each request.
        context: For TLS; None without.

    Raises:
        HTTPError: There can be no such URL.
    """

    def __init__(self, proxy: str, url: str, headers: Mapping[str, str], context: ssl.SSLContext | None) -> None:
        self._url = url
        self._headers = headers
        self._kept = False
        credentials, at, _ = urlsplit(proxy).netloc.rpartition("@")
        for_proxy = urllib3.make_headers(proxy_basic_auth=unquote(credentials)) if at else None
        options: dict[str, Any] = {} if context is None else {"ssl_context": context}
        # Not "block": when the process ends, urllib3 empties its pools before the last records are sent.
        self._manager = urllib3.ProxyManager(proxy, proxy_headers=for_proxy, maxsize=_KEPT_CONNECTIONS, **options)
        pool = self._manager.connection_from_url(url)
        pool.ConnectionCls = _HttpsConnection if isinstance(pool, HTTPSConnectionPool) else _HttpConnection

    def post(self, body: bytes, seconds: float) -> Reply:
        """Post a body; once more, where that fails on a connection that has been used before.

        Args:
            body: What to post.
            seconds: How long to wait for the whole reply.

        Raises:
            HTTPError: There is no reply.
        """
        deadline = time.monotonic() + seconds
        kept, self._kept = self._kept, False
        try:
            response = self._request(body, deadline)
        except (ProtocolError, ProxyError):
            # urllib3 takes the end of a kept connection for a proxy that cannot be connected to.
            if not kept:
                raise
            response = self._request(body, deadline)
        reply = reply_of(response)
        self._kept = True
        return reply

    def close(self) -> None:
        """Close the connections."""
        self._manager.clear()

    def _request(self, body: bytes, deadline: float) -> urllib3.BaseHTTPResponse:
        return self._manager.urlopen(
            "POST",
            self._url,
            body=body,
            headers=self._headers,
            timeout=urllib3.Timeout(total=max(deadline - time.monotonic(), 0.001)),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )


class _HttpConnection(HTTPConnection):
    response_class = Response


class _HttpsConnection(HTTPSConnection):
    response_class = Response
