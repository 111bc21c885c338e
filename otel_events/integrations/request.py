"""Request attributes: what of an HTTP request or a WebSocket is put on the events tracked in it.

Keys are those of OpenTelemetry's semantic conventions for HTTP. Never the query string, never cookies, never
``Authorization``: of the headers only ``User-Agent`` and ``X-Request-ID`` are read. Every value is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from otel_events import semconv

_MAX_ADDRESS: Final = 128
_MAX_USER_AGENT: Final = 512
_MAX_PATH: Final = 1024
_MAX_REQUEST_ID: Final = 128

_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_OTHER_METHOD: Final = "_OTHER"
_SAFE_IN_PATH: Final = "/:@!$&'()*+,;=-._~"


def asgi_request_attributes(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the request attributes of an ASGI scope of type ``http`` or ``websocket``.

    Args:
        scope: The connection scope (ASGI specification, "HTTP & WebSocket ASGI Message Format").

    Returns:
        Keys and values; what the scope does not tell is left out. The address is the one that the server gives: behind a
        proxy, the server has to be told to trust it. The path is percent-encoded.
    """
    client = scope.get("client")
    headers = list(scope.get("headers") or ())
    raw_path = scope.get("raw_path")
    return _attributes(
        address=str(client[0]) if client else "",
        user_agent=_header(headers, b"user-agent"),
        method=scope.get("method", ""),
        path=_raw_path(raw_path) if raw_path else _encoded(scope.get("path", "")),
        request_id=_header(headers, b"x-request-id"),
    )


def wsgi_request_attributes(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the request attributes of a WSGI environ.

    Args:
        environ: The environment (PEP 3333, "environ Variables").

    Returns:
        Keys and values, as ``asgi_request_attributes`` gives them.
    """
    return _attributes(
        address=environ.get("REMOTE_ADDR", ""),
        user_agent=_latin_1(environ.get("HTTP_USER_AGENT", "")),
        method=environ.get("REQUEST_METHOD", ""),
        path=_encoded(_latin_1(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))),
        request_id=_latin_1(environ.get("HTTP_X_REQUEST_ID", "")),
    )


def _attributes(*, address: str, user_agent: bytes, method: str, path: str, request_id: bytes) -> dict[str, str]:
    found = {
        semconv.CLIENT_ADDRESS: _bounded(address, _MAX_ADDRESS),
        semconv.USER_AGENT: _bounded(_text(user_agent), _MAX_USER_AGENT),
        semconv.HTTP_METHOD: method if method in _METHODS or not method else _OTHER_METHOD,
        semconv.URL_PATH: _bounded(path, _MAX_PATH),
        semconv.HTTP_REQUEST_ID: _bounded(_text(request_id), _MAX_REQUEST_ID),
    }
    return {key: text for key, text in found.items() if text}


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Return the first header of a name, which is given in small letters; empty for none."""
    return next((bytes(value) for key, value in headers if bytes(key).lower() == name), b"")


def _raw_path(raw_path: bytes) -> str:
    """Return the path as it came, without what some servers leave in it: a query, or the origin of an absolute target."""
    path = raw_path.partition(b"?")[0]
    if not path.startswith(b"/") and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return quote(path[: _MAX_PATH + 1], safe=f"{_SAFE_IN_PATH}%")


def _encoded(path: str | bytes) -> str:
    """Return a decoded path percent-encoded."""
    content = path.encode("utf-8", "replace") if isinstance(path, str) else path
    return quote(content[: _MAX_PATH + 1], safe=_SAFE_IN_PATH)


def _latin_1(native: str) -> bytes:
    """Return the bytes that stand behind one of WSGI's native strings (PEP 3333, "Unicode Issues")."""
    return native.encode("latin-1", "replace")


def _text(value: bytes) -> str:
    """Decode a header's value: as UTF-8 where it is that, else as Latin-1, in which every byte has a meaning."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _bounded(text: str, limit: int) -> str:
    """Return a text in one line, not longer than the limit."""
    line = "".join([character if character.isprintable() else " " for character in text[:limit]])
    return line.strip() if len(text) <= limit else line[:-1] + "…"
