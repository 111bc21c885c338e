"""What the two transports share: they belong to one process, follow the files of the settings, and answer whatever happens."""

from __future__ import annotations

import abc
import base64
import os
import threading
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Generic, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    detach,
    set_value,
)

from otel_events.direct.answers import MAX_DETAIL_CHARACTERS, Answer, Kind, of_exception
from otel_events.direct.followed import FollowedHeaders, state_of
from otel_events.scrub import scrub, secrets_in_url, secrets_of
from otel_events.settings.otlp import OtlpSettings
from otel_events.version import VERSION

USER_AGENT: Final = f"OTel-OTLP-Exporter-Python-otel-events/{VERSION}"
"""As the OpenTelemetry specification has it: "OpenTelemetry Protocol Exporter", "User Agent"."""

_SUPPRESSED: Final = set_value(
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, set_value(_SUPPRESS_INSTRUMENTATION_KEY, True, Context())
)
"""Holds no span either: requests are no part of what the application traces."""

_REFUSED: Final = frozenset({401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED"})
"""The answers that may mean that a token is to be renewed."""

Connection = TypeVar("Connection")


class Transport(abc.ABC, Generic[Connection]):
    """Sends requests for one signal and says what became of each.

    It may be used by several threads, of the process that made it.

    Args:
        otlp: Where to, and how.
        signal: ``logs`` or ``traces``.
    """

    def __init__(self, otlp: OtlpSettings, signal: str = "logs") -> None:
        self._otlp = otlp
        self._signal = signal
        self._url, self._credentials = _without_credentials(otlp.endpoint)
        scheme = "https" if otlp.tls else "http"
        schemes = ("grpc", scheme, "all") if otlp.protocol == "grpc" else (scheme, "all")
        self._proxy = proxy_for(urlsplit(self._url).netloc, schemes)
        self._lasting_secrets = secrets_of(otlp) | secrets_in_url(self._proxy or "")
        self._secrets: Sequence[frozenset[str]] = (frozenset(), frozenset())
        self._followed = FollowedHeaders(otlp)
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._files: tuple[object, ...] = ()

    def send(self, body: bytes) -> Answer:
        """Send one request and wait for its answer, not longer than the timeout in the settings.

        Args:
            body: An ``ExportLogsServiceRequest`` or ``ExportTraceServiceRequest`` in protobuf.

        Returns:
            What became of it, also where nobody answers or something unexpected happens.

        Raises:
            RuntimeError: The transport belongs to another process.
        """
        if os.getpid() != self._pid:
            raise RuntimeError(
                f"A transport made by process {self._pid} is used by process {os.getpid()}. After a fork, make a new one."
            )
        token = attach(_SUPPRESSED)
        try:
            answer = self._exchange(self._current(), body)
        except Exception as error:
            answer = of_exception(Kind.HOLD, error)
        finally:
            detach(token)
        if answer.code in _REFUSED and self._followed.renewable:
            answer = self._to_be_renewed(answer)
        if not answer.detail:
            return answer
        return replace(answer, detail=_fit_to_show(answer.detail, self._lasting_secrets.union(*self._secrets)))

    def close(self) -> None:
        """Close the connections. In another process than its own this does nothing: there they are still in use."""
        if os.getpid() == self._pid:
            self._drop(self._connection)

    @abc.abstractmethod
    def _open(self, headers: Mapping[str, str]) -> Connection:
        """Make what requests are sent over, with what stands in the files now.

        Args:
            headers: Of each request, their names in lower case.
        """

    @abc.abstractmethod
    def _close(self, connection: Connection) -> None:
        """Close it."""

    @abc.abstractmethod
    def _exchange(self, connection: Connection, body: bytes) -> Answer:
        """Send one request over it."""

    def _current(self) -> Connection:
        """Return what requests are sent over; a new one, where a file has changed and what stands in it can be used."""
        with self._lock:
            headers = self._followed.look()
            files = (headers, *self._seen_files())
            if self._connection is None or files != self._files:
                try:
                    fresh = self._open(self._headers_of(headers))
                except Exception:
                    # A file may be in the middle of being written.
                    if self._connection is None:
                        raise
                    return self._connection
                former, self._connection, self._files = self._connection, fresh, files
                if former is not None:
                    self._close(former)
            return self._connection

    def _drop(self, connection: Connection | None) -> None:
        """Close what requests were sent over, so that the next one is sent over a new one."""
        with self._lock:
            if connection is not None and self._connection is connection:
                self._connection = None
                self._close(connection)

    def _seen_files(self) -> tuple[object, ...]:
        """Return what tells one state of the files with certificates from another."""
        paths = (self._otlp.certificate, self._otlp.client_certificate, self._otlp.client_key)
        return tuple(map(state_of, filter(None, paths))) if self._otlp.tls else ()

    def _headers_of(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of a connection, and take note of what is secret in them."""
        headers = {**self._credentials, **{name.lower(): value for name, value in given.items()}}
        secrets = secrets_of(replace(self._otlp, headers=headers))
        if secrets != self._secrets[-1]:
            # An answer may be to the headers before.
            self._secrets = (self._secrets[-1], secrets)
        return headers

    def _to_be_renewed(self, answer: Answer) -> Answer:
        """Have the file read anew, and the request tried again soon: a token is renewed without anybody who changes a setting."""
        self._followed.doubt()
        wrong = self._followed.wrong
        detail = f"{answer.detail}; the file with headers {wrong}" if wrong else answer.detail
        return replace(answer, kind=Kind.RETRY, detail=detail)


def proxy_for(host: str, schemes: Iterable[str]) -> str | None:
    """Return the URL of the proxy to go through, by the environment: HTTPS_PROXY and the like, in either case, and NO_PROXY.

    Args:
        host: Where requests go, with the port.
        schemes: The first for which there is a proxy counts.
    """
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = next((proxies[scheme] for scheme in schemes if proxies.get(scheme)), None)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _without_credentials(endpoint: str) -> tuple[str, dict[str, str]]:
    """Return an endpoint without user name and password, and the header in which they stand instead (RFC 7617)."""
    headers = {}
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    credentials, at, host = parts.netloc.rpartition("@")
    if at:
        user, _, password = credentials.partition(":")
        encoded = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        headers["authorization"] = f"Basic {encoded}"
    return urlunsplit(parts._replace(netloc=host, fragment="")), headers


def _fit_to_show(detail: str, secrets: frozenset[str]) -> str:
    words = " ".join(scrub(detail, secrets).split())[:MAX_DETAIL_CHARACTERS]
    return "".join(character if character.isprintable() else "?" for character in words)
