"""Sending over OTLP/HTTP, in binary protobuf (OTLP specification 1.x, "OTLP/HTTP")."""

from __future__ import annotations

import gzip
import ssl
import time
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from otel_events.direct.answers import MAX_ANSWER_BYTES, Answer, Kind, of_exception, of_http
from otel_events.direct.connections import use_own_connections
from otel_events.direct.transport import USER_AGENT, Transport
from otel_events.settings.otlp import OtlpSettings

_KEPT_CONNECTIONS: Final = 2

_GZIP_LEVEL: Final = 1
"""A quarter of the size is left; level 6 takes twice the time for a tenth less."""


class HttpTransport(Transport[urllib3.PoolManager]):
    """Sends requests over HTTP/1.1, on connections that are kept open.

    Redirects are not followed, and nothing is tried again, but for a request on a kept connection that the server has closed
    meanwhile: it goes out once more, on a new one.

    Args:
        otlp: Where to, and how.
        signal: ``logs`` or ``traces``.
    """

    def __init__(self, otlp: OtlpSettings, signal: str = "logs") -> None:
        super().__init__(otlp, signal)
        self._headers = {"user-agent": USER_AGENT, **self._headers, "content-type": "application/x-protobuf"}
        if otlp.compression == "gzip":
            self._headers["content-encoding"] = "gzip"
        self._kept = False

    def _open(self) -> urllib3.PoolManager:
        # Not "block": when the process ends, urllib3 empties its pools before the last records are sent.
        options: dict[str, Any] = {"maxsize": _KEPT_CONNECTIONS}
        if self._otlp.tls:
            options["ssl_context"] = _tls(self._otlp)
        manager = _through(self._proxy, options) if self._proxy else urllib3.PoolManager(**options)
        pool = manager.connection_from_url(self._url)
        use_own_connections(pool)
        self._kept = False
        return manager

    def _close(self, connection: urllib3.PoolManager) -> None:
        connection.clear()

    def _exchange(self, connection: urllib3.PoolManager, body: bytes) -> Answer:
        if self._otlp.compression == "gzip":
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        deadline = time.monotonic() + self._otlp.timeout_seconds
        kept, self._kept = self._kept, False
        try:
            try:
                response = self._request(connection, body, deadline)
            except ProtocolError:
                if not kept:
                    raise
                response = self._request(connection, body, deadline)
            answer = self._answer(response)
        except HTTPError as error:
            # Those that are a ValueError too are about what was to be sent, such as the URL.
            return of_exception(Kind.HOLD if isinstance(error, ValueError) else Kind.RETRY, error)
        self._kept = True
        return answer

    def _request(self, manager: urllib3.PoolManager, body: bytes, deadline: float) -> urllib3.response.BaseHTTPResponse:
        seconds = max(deadline - time.monotonic(), 0.001)
        return manager.urlopen(
            "POST",
            self._url,
            body=body,
            headers=self._headers,
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )

    def _answer(self, response: urllib3.response.BaseHTTPResponse) -> Answer:
        body = bytearray()
        try:
            while len(body) <= MAX_ANSWER_BYTES:
                piece = response.read(MAX_ANSWER_BYTES + 1 - len(body), decode_content=False)
                if not piece:
                    break
                body += piece
        except HTTPError:
            if response.status < 300 or response.status == 400:
                # What it rejects, or that it is not about the data, may stand in the part that did not arrive.
                raise
        finally:
            if len(body) > MAX_ANSWER_BYTES:
                response.close()
            response.release_conn()
        headers, now = response.headers, time.time()
        return of_http(response.status, response.reason or "", headers, bytes(body), signal=self._signal, now=now)


def _tls(otlp: OtlpSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=otlp.certificate)
    if otlp.client_certificate is not None:
        # Without a password it would ask for one on the terminal where the key wants one.
        context.load_cert_chain(otlp.client_certificate, otlp.client_key, password="")
    return context


def _through(proxy: str, options: dict[str, Any]) -> urllib3.ProxyManager:
    credentials, at, _ = urlsplit(proxy).netloc.rpartition("@")
    headers = urllib3.make_headers(proxy_basic_auth=unquote(credentials)) if at else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)
