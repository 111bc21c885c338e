"""Sending over OTLP/HTTP, in binary protobuf (OTLP specification 1.x, "OTLP/HTTP")."""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Mapping
from typing import Final

from urllib3.exceptions import HTTPError

from otel_events.direct.answers import Answer, Kind, of_exception, of_http
from otel_events.direct.connections import Connections
from otel_events.direct.proxied import Proxied
from otel_events.direct.transport import USER_AGENT, Transport
from otel_events.settings.otlp import OtlpSettings

_GZIP_LEVEL: Final = 1
"""A quarter of the size is left; level 6 takes twice the time for a tenth less."""

_BODY_HEADERS: Final = frozenset({"content-length", "transfer-encoding"})
"""Where a body ends is for what sends it to say."""


class HttpTransport(Transport[Connections | Proxied]):
    """Sends requests over HTTP/1.1, on connections that are kept open.

    Redirects are not followed, and nothing is tried again, but for a request on a kept connection that the server has closed
    meanwhile: it goes out once more, on a new one.

    Args:
        otlp: Where to, and how.
        signal: ``logs`` or ``traces``.
    """

    def _open(self, headers: Mapping[str, str]) -> Connections | Proxied:
        own = {name: value for name, value in headers.items() if name not in _BODY_HEADERS}
        whole = {"user-agent": USER_AGENT, **own, "content-type": "application/x-protobuf"}
        if self._otlp.compression == "gzip":
            whole["content-encoding"] = "gzip"
        context = _tls(self._otlp) if self._otlp.tls else None
        if self._proxy:
            return Proxied(self._proxy, self._url, whole, context)
        return Connections(self._url, whole, context)

    def _close(self, connection: Connections | Proxied) -> None:
        connection.close()

    def _exchange(self, connection: Connections | Proxied, body: bytes) -> Answer:
        if self._otlp.compression == "gzip":
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        try:
            reply = connection.post(body, self._otlp.timeout_seconds)
        except HTTPError as error:
            # Those that are a ValueError too are about what was to be sent, such as the URL.
            return of_exception(Kind.HOLD if isinstance(error, ValueError) else Kind.RETRY, error)
        return of_http(reply.status, reply.reason, reply.headers, reply.body, signal=self._signal, now=time.time())


def _tls(otlp: OtlpSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=otlp.certificate)
    if otlp.client_certificate is not None:
        # Without a password it would ask for one on the terminal where the key wants one.
        context.load_cert_chain(otlp.client_certificate, otlp.client_key, password="")
    return context
