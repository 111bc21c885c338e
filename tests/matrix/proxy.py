"""A proxy in front of the real Collector that may answer in its place, wait, or cut connections."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import http.server
import threading
import time
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.direct.faulty import SocketServer

NUMBER = "app.number"

_CUT_AFTER_BYTES = 1000


class Exchange:
    """A request that has come, and what can be done with it.

    Attributes:
        authorization: What it says of who sends it.
        body: What came, unpacked.
        numbers: Of the events in it.
    """

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        self.authorization = str(handler.headers.get("authorization", ""))
        raw = handler.rfile.read(int(handler.headers["content-length"]))
        self.body = gzip.decompress(raw) if handler.headers.get("content-encoding") == "gzip" else raw
        self.numbers = numbers_in(self.body)

    def pass_on(self, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Have the Collector take the request, or another in its place, and return what it answers."""
        return self._handler.owner.collect(self._handler.path, self.body if body is None else body)

    def answer_as_collector(self) -> None:
        """Pass the request on, and the answer back."""
        status, content_type, content = self.pass_on()
        self.answer(status, content, {"content-type": content_type})

    def answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Answer in place of the Collector."""
        handler = self._handler
        handler.send_response(status)
        for name, value in {**(headers or {}), "content-length": str(len(content))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def hang_up(self) -> None:
        """End the connection, without another word."""
        self._handler.close_connection = True


Behaviour = Callable[[Exchange], None]
"""What to do with a request that holds events. Others are passed on."""


def passing(exchange: Exchange) -> None:
    """Be no hindrance."""
    exchange.answer_as_collector()


def hanging_up(exchange: Exchange) -> None:
    """Be as good as not there."""
    exchange.hang_up()


def answering(status: int, headers: dict[str, str] | None = None) -> Behaviour:
    """Have nothing pass."""
    return lambda exchange: exchange.answer(status, b"", headers)


def wanting(authorization: str) -> Behaviour:
    """Refuse whoever does not come with this."""

    def behave(exchange: Exchange) -> None:
        (passing if exchange.authorization == authorization else answering(401))(exchange)

    return behave


def slow(seconds: float) -> Behaviour:
    """Take so much time for a request."""

    def behave(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.answer_as_collector()

    return behave


def one_by_one(*behaviours: Behaviour) -> Behaviour:
    """Do each once, one a request, and then pass."""
    left = list(behaviours)
    return lambda exchange: (left.pop(0) if left else passing)(exchange)


class Proxy:
    """An HTTP server on 127.0.0.1 in front of a Collector.

    Args:
        upstream: The Collector's address.

    Attributes:
        behaviour: What it does with requests that hold events.
        requests: How many of these came.
        cuts: So many requests are cut off while they are read.
    """

    def __init__(self, upstream: str) -> None:
        self.behaviour: Behaviour = passing
        self.cuts = 0
        self.requests = 0
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self._server = SocketServer(_Handler, self)

    @property
    def endpoint(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> Proxy:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def see(self, exchange: Exchange) -> None:
        """Do with a request what is to be done."""
        if exchange.numbers:
            with self._lock:
                self.requests += 1
            self.behaviour(exchange)
        elif self.behaviour is hanging_up:
            exchange.hang_up()
        else:
            exchange.answer_as_collector()

    def collect(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """Send a request to the Collector, and return the status, type and content of its answer."""
        with contextlib.closing(http.client.HTTPConnection(self._upstream, timeout=10.0)) as upstream:
            upstream.request("POST", path, body, {"content-type": "application/x-protobuf"})
            answer = upstream.getresponse()
            return answer.status, answer.getheader("content-type", ""), answer.read()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def setup(self) -> None:
        super().setup()
        self.owner: Proxy = self.server.owner  # type: ignore[attr-defined] # it is a SocketServer

    def do_POST(self) -> None:
        if self.owner.cuts:
            self.owner.cuts -= 1
            self.rfile.read(_CUT_AFTER_BYTES)
            self.close_connection = True
        else:
            self.owner.see(Exchange(self))

    def log_message(self, *_: object) -> None:
        pass


def numbers_in(request: bytes) -> list[int]:
    """Return the numbers of the events in a request."""
    return [
        attribute.value.int_value
        for logs in ExportLogsServiceRequest.FromString(request).resource_logs
        for scope in logs.scope_logs
        for record in scope.log_records
        for attribute in record.attributes
        if attribute.key == NUMBER
    ]


def without(request: bytes, number: int) -> bytes:
    """Return a request without one of its events."""
    parsed = ExportLogsServiceRequest.FromString(request)
    for logs in parsed.resource_logs:
        for scope in logs.scope_logs:
            kept = [
                record
                for record in scope.log_records
                if not any(one.key == NUMBER and one.value.int_value == number for one in record.attributes)
            ]
            del scope.log_records[:]
            scope.log_records.extend(kept)
    return bytes(parsed.SerializeToString())
