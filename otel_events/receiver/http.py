"""OTLP over HTTP: ``POST /v1/logs`` and ``/v1/traces`` in protobuf or JSON, as OTLP 1.x has it ("OTLP/HTTP").

Errors are a ``google.rpc.Status`` in the encoding of the request, JSON where the request names none. Requests with an
``Origin`` header are refused: they come from a web page, and no page has business here. Neither has who addresses this
machine by a name that is not known to be its own (DNS rebinding), nor who should bring a token and does not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_events.receiver.access import Access
from otel_events.receiver.compression import ENCODINGS, TooLargeError, decompress
from otel_events.receiver.gate import RETRY_AFTER_SECONDS, BusyError, Passage
from otel_events.receiver.intake import Intake
from otel_events.receiver.signals import SIGNALS, Signal

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_UNAVAILABLE_SECONDS: Final = 5
_MAX_SHOWN: Final = 100

T = TypeVar("T")

_CODES: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    415: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    503: Code.UNAVAILABLE,
}


def create_app(
    intake: Intake,
    access: Access,
    executor: ThreadPoolExecutor,
    *,
    max_body_bytes: int,
    read_timeout_seconds: float,
) -> Starlette:
    """Make the ASGI application.

    Args:
        intake: Takes the requests.
        access: Says who may send some.
        executor: Where bodies are unpacked and JSON is parsed, off the event loop.
        max_body_bytes: The largest body, as sent and as unpacked.
        read_timeout_seconds: How long a client may take to send a body.

    Returns:
        The application.
    """
    endpoint = _Endpoint(intake, executor, max_body_bytes, read_timeout_seconds)
    app = Starlette(
        routes=[Route(signal.path, endpoint.for_signal(signal), methods=["POST"]) for signal in SIGNALS],
        middleware=[Middleware(_Guard, access=access)],
        exception_handlers={HTTPException: _error},
    )
    app.router.redirect_slashes = False
    return app


class _Endpoint:
    def __init__(
        self, intake: Intake, executor: ThreadPoolExecutor, max_body_bytes: int, read_timeout_seconds: float
    ) -> None:
        self._intake = intake
        self._executor = executor
        self._max_body_bytes = max_body_bytes
        self._read_timeout_seconds = read_timeout_seconds

    def for_signal(self, signal: Signal) -> Callable[[Request], Awaitable[Response]]:
        async def export(request: Request) -> Response:
            try:
                return await self._export(signal, request)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except asyncio.CancelledError:
                # The server stops and its patience is over. This is the last thing it does, so the client hears of it.
                raise _unavailable("The receiver is stopping.") from None

        return export

    async def _export(self, signal: Signal, request: Request) -> Response:
        content_type = _media_type(request.headers)
        if content_type not in (PROTOBUF, JSON):
            raise HTTPException(415, f"Content-Type is {content_type!r}; send {PROTOBUF} or {JSON}.")
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in (*ENCODINGS, "identity"):
            raise HTTPException(415, f"Content-Encoding is {encoding!r}; send {', '.join(ENCODINGS)} or none.")
        try:
            with self._intake.gate.enter() as passage:
                answer = await self._answer(signal, request, content_type, encoding, passage)
        except BusyError as error:
            raise HTTPException(429, str(error), {"Retry-After": str(RETRY_AFTER_SECONDS)}) from error
        except TooLargeError as error:
            raise HTTPException(413, str(error)) from error
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        except sqlite3.Error as error:
            raise _unavailable(f"The database cannot take it now: {error}") from error
        return _encoded(answer, content_type)

    async def _answer(
        self, signal: Signal, request: Request, content_type: str, encoding: str, passage: Passage
    ) -> Message:
        try:
            body = await asyncio.wait_for(self._body(request, passage), self._read_timeout_seconds)
        except asyncio.TimeoutError:
            raise HTTPException(408, f"The body did not come within {self._read_timeout_seconds:g} s.") from None
        if encoding != "identity":
            body = await self._elsewhere(self._unpacked, body, passage)
        if content_type == JSON:
            body = await self._elsewhere(signal.from_json, body)
            passage.hold(len(body))
        return await asyncio.wrap_future(self._intake.submit(signal, body))

    async def _body(self, request: Request, passage: Passage) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            _check_size(body, self._max_body_bytes)
            passage.hold(len(body))
        return bytes(body)

    def _unpacked(self, body: bytes, passage: Passage) -> bytes:
        unpacked = decompress(body, max_bytes=self._max_body_bytes)
        passage.hold(len(unpacked))
        return unpacked

    async def _elsewhere(self, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *args)


class _Guard:
    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            response = await _error(Request(scope), refusal)
            await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> HTTPException | None:
        headers = Headers(scope=scope)
        if "origin" in headers:
            return HTTPException(403, "Requests with an Origin header, from web pages, are refused here.")
        host = headers.get("host", "")
        address, _ = scope.get("server") or (None, None)
        if not self._access.is_our_host(host, address):
            return HTTPException(
                403,
                f"Host is {host[:_MAX_SHOWN]!r}, which is not known as a name of this machine; send to an address, or "
                "allow the name with --allow-host (allowed_hosts=).",
            )
        if not self._access.has_token(headers.get("authorization")):
            return HTTPException(
                401, "Send the receiver's token: Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"}
            )
        return None


def _check_size(body: bytes | bytearray, max_bytes: int) -> None:
    if len(body) > max_bytes:
        raise TooLargeError(f"the body is larger than {max_bytes} bytes; send smaller batches")


def _unavailable(reason: str) -> HTTPException:
    return HTTPException(503, reason, {"Retry-After": str(_UNAVAILABLE_SECONDS)})


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _encoded(message: Message, content_type: str, status_code: int = 200) -> Response:
    if content_type == PROTOBUF:
        return Response(message.SerializeToString(), status_code, media_type=PROTOBUF)
    return Response(json_format.MessageToJson(message, indent=None), status_code, media_type=JSON)


async def _error(request: Request, error: Exception) -> Response:
    # Not a plain function: Starlette would run that in a thread pool of its own.
    if not isinstance(error, HTTPException):
        raise error
    message = error.detail
    if error.status_code == 404:
        message = f"{request.url.path} is not served here; OTLP goes to {' and '.join(s.path for s in SIGNALS)}."
    elif error.status_code == 405:
        message = f"{request.method} is not served here; use POST."
    status = Status(code=_CODES.get(error.status_code, Code.UNKNOWN), message=message)
    response = _encoded(status, _media_type(request.headers), error.status_code)
    response.headers.update(error.headers or {})
    return response
