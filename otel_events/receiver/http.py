"""OTLP over HTTP: ``POST /v1/logs`` and ``/v1/traces`` in protobuf or JSON, as OTLP 1.x has it ("OTLP/HTTP").

Errors are a ``google.rpc.Status`` in the encoding of the request, JSON where the request names none. Requests with an
``Origin`` header are refused: they come from a web page, and no page has business here, whatever name it gave this
machine (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

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

from otel_events.receiver.compression import ENCODINGS, TooLargeError, decompress
from otel_events.receiver.intake import Intake
from otel_events.receiver.signals import SIGNALS, Signal

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_RETRY_AFTER_SECONDS: Final = "5"

_CODES: Final = {
    400: Code.INVALID_ARGUMENT,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    415: Code.INVALID_ARGUMENT,
    503: Code.UNAVAILABLE,
}


def create_app(
    intake: Intake, executor: ThreadPoolExecutor, *, max_body_bytes: int, read_timeout_seconds: float
) -> Starlette:
    """Make the ASGI application.

    Args:
        intake: Takes the requests.
        executor: Where unpacking, parsing and storing run, off the event loop.
        max_body_bytes: The largest body, as sent and as unpacked.
        read_timeout_seconds: How long a client may take to send a body.

    Returns:
        The application.
    """
    endpoint = _Endpoint(intake, executor, max_body_bytes, read_timeout_seconds)
    app = Starlette(
        routes=[Route(signal.path, endpoint.for_signal(signal), methods=["POST"]) for signal in SIGNALS],
        middleware=[Middleware(_RefuseBrowsers)],
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
            body = await asyncio.wait_for(self._body(request), self._read_timeout_seconds)
        except asyncio.TimeoutError:
            raise HTTPException(408, f"The body did not come within {self._read_timeout_seconds:g} s.") from None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._take, signal, content_type, encoding, body)

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._max_body_bytes:
                raise HTTPException(413, f"The body is larger than {self._max_body_bytes} bytes; send smaller batches.")
        return bytes(body)

    def _take(self, signal: Signal, content_type: str, encoding: str, body: bytes) -> Response:
        try:
            if encoding != "identity":
                body = decompress(body, max_bytes=self._max_body_bytes)
            request = signal.parse_json(body) if content_type == JSON else signal.parse(body)
        except TooLargeError as error:
            raise HTTPException(413, str(error)) from error
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        try:
            return _encoded(self._intake.take(signal, request), content_type)
        except sqlite3.Error as error:
            raise _unavailable(f"The database cannot take it now: {error}") from error


class _RefuseBrowsers:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "origin" in Headers(scope=scope):
            refusal = HTTPException(403, "Requests with an Origin header, from web pages, are refused here.")
            response = await _error(Request(scope), refusal)
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _unavailable(reason: str) -> HTTPException:
    return HTTPException(503, reason, {"Retry-After": _RETRY_AFTER_SECONDS})


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
