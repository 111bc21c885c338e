"""Who may look at the page: checks that every request passes, and the headers that every answer gets.

A page of another origin must not read what is here, whatever name it gave this machine (DNS rebinding): so the ``Host``
must be one of ours, and a request that a browser sends for somebody else's page is refused. On other addresses than those
of loopback, and wherever one is given, a token is asked for as well. ``/?token=…`` exchanges it for a cookie.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import MutableHeaders, QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_events.exceptions import ReceiverError
from otel_events.receiver.access import is_loopback

MIN_TOKEN_CHARACTERS: Final = 16

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-store",
}

_HELP: Final = "Open the address with the token that the command printed, or send it as a bearer token."
_OWN: Final = ("same-origin", "none")


@dataclass(frozen=True)
class Access:
    """Who may look.

    Args:
        host: The address that is listened on.
        token: What one must know; None where everybody who reaches the address may look.
        no_auth: Allows ``token=None`` on an address that is not a loopback address.
        allowed_hosts: Further names under which the page is reached, each with or without a port.
    """

    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)
    no_auth: bool = False
    allowed_hosts: Sequence[str] = ()

    def __post_init__(self) -> None:
        if _address(self.host) is None:
            raise ReceiverError(f"host is {self.host!r}: give the address to listen on as numbers, such as 127.0.0.1.")
        if self.token is not None and len(self.token) < MIN_TOKEN_CHARACTERS:
            raise ReceiverError(
                f"the token has {len(self.token)} characters: give one of at least {MIN_TOKEN_CHARACTERS}, or --token "
                "alone, which makes one."
            )
        if self.token is None and not (self.no_auth or is_loopback(self.host)):
            raise ReceiverError(
                f"{self.host} may be reached from other machines, and the page shows all events to whoever asks. Add "
                "--token, which makes one that is asked for, or --no-auth if everybody may look."
            )

    def admits_host(self, header: str, port: int) -> bool:
        """Tell whether a ``Host`` header names this server.

        Args:
            header: The header.
            port: The port that is listened on.
        """
        header = header.lower()
        name, given_port = _split(header)
        if any(allowed.lower() in (header, name) for allowed in self.allowed_hosts):
            return True
        if given_port != port:
            return False
        address = _address(name)
        if address is None:
            return name == "localhost"
        # Numbers cannot be rebound to another machine, so where all addresses are listened on each of them is ours.
        bound = _address(self.host)
        return address.is_loopback or address == bound or (bound is not None and bound.is_unspecified)


class Guard:
    """ASGI middleware that keeps :class:`Access`."""

    def __init__(self, app: ASGIApp, access: Access, port: int) -> None:
        self._app = app
        self._access = access
        self._port = port
        # Cookies do not know ports, so each server needs a name of its own. The value tells nothing of the token.
        self._cookie = f"otel-events-{port}"
        self._session = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on; either way the answer gets :data:`HEADERS`."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(HTTPConnection(scope))
        await (self._app if answer is None else answer)(scope, receive, send_with_headers)

    def _answer(self, request: HTTPConnection) -> Response | None:
        """Give the answer to a request that is not passed on."""
        host = request.headers.get("host", "")
        if len(request.headers.getlist("host")) != 1 or not self._access.admits_host(host, self._port):
            return _refusal(403, f"The Host {host!r} is not one of this server; allow it with --allow-host.")
        if not _is_from_our_page(request.headers, request.url.path, host):
            return _refusal(403, "Requests that come from another page are refused here.")
        if request.scope["method"] not in ("GET", "HEAD"):
            return _refusal(405, "Here is only to be read: use GET.", {"Allow": "GET, HEAD"})
        if self._access.token is None:
            return None
        given = request.query_params.get("token")
        if given is not None and request.url.path == "/":
            return self._exchanged(given, request.query_params)
        return None if self._is_known(request) else _refusal(401, f"A token is asked for here. {_HELP}")

    def _exchanged(self, given: str, parameters: QueryParams) -> Response:
        if not _same(given, self._access.token or ""):
            return _refusal(401, f"That is not the token of this server. {_HELP}")
        rest = urlencode([(key, value) for key, value in parameters.multi_items() if key != "token"])
        response = RedirectResponse(f"/?{rest}" if rest else "/", 303)
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="strict")
        return response

    def _is_known(self, request: HTTPConnection) -> bool:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(bearer.strip(), self._access.token or ""):
            return True
        return _same(request.cookies.get(self._cookie, ""), self._session)


def _is_from_our_page(headers: Mapping[str, str], path: str, host: str) -> bool:
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return False
    site = headers.get("sec-fetch-site", "none")
    # A link from elsewhere may lead to the page, which holds no data; it may not be put into a frame.
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"), path) == ("navigate", "document", "/")
    return site in _OWN or (is_link and origin is None)


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def _split(header: str) -> tuple[str, int]:
    """Split a Host header into name and port; 80 is HTTP's where none stands there, and -1 where it is no number."""
    bracket = header.rfind("]")
    name, colon, port = header[bracket + 1 :].rpartition(":")
    name = header[: bracket + 1] + (name if colon else port)
    if not colon:
        return name, 80
    return name, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else -1


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
