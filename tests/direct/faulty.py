"""Servers whose answers a test scripts, over real sockets: OTLP/HTTP on HTTP/1.1, and OTLP/gRPC by grpcio.

Example::

    with HttpServer() as server:
        server.script(HttpReply(503, {"retry-after": "1"}), HANG_UP)
        ...  # send to server.endpoint + "/v1/logs": 503, then a connection that ends, from then on server.default
        assert [request.path for request in server.requests] == ["/v1/logs"] * 2
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import socket
import socketserver
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

Reply = TypeVar("Reply")


class Request(NamedTuple):
    """A request as a server got it: its path or method, its headers by names in lower case, and its body, unpacked."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpReply:
    """What a server does with one request.

    Args:
        status: Of the answer.
        headers: Likewise.
        body: Likewise.
        cut_after: Ends the connection after so many bytes of the body; the header announces all.
        stall_after: Sends nothing more after so many bytes of the body, and leaves the connection as it is.
        seconds_per_byte: Sends the body byte by byte, with so much time between.
        close: Ends the connection afterwards, without having said so.
        raw: Sends this instead of an answer, and ends the connection.
        read_bytes: Reads only so much of the request's body.
        silent: Never answers.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None
    stall_after: int | None = None
    seconds_per_byte: float = 0.0
    close: bool = False
    raw: bytes | None = None
    read_bytes: int | None = None
    silent: bool = False


HANG_UP = HttpReply(raw=b"")
"""Ends the connection without an answer."""

CUT_REQUEST = HttpReply(raw=b"", read_bytes=100)
"""Likewise, but before it has read the request."""

NOT_HTTP = HttpReply(raw=b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18))
"""Speaks HTTP/2."""

SILENT = HttpReply(silent=True)


@dataclass(frozen=True)
class GrpcReply:
    """What a server does with one request.

    Args:
        code: The name of the status.
        details: Its words.
        body: The answer, where the status is OK.
        trailers: Trailing metadata.
        silent: Never answers.
    """

    code: str = "OK"
    details: str = ""
    body: bytes = b""
    trailers: tuple[tuple[str, str | bytes], ...] = ()
    silent: bool = False


GRPC_SILENT = GrpcReply(silent=True)


def rejecting(count: int, message: str, signal: str = "logs") -> bytes:
    """Return the body of an answer that rejects some of what was sent (OTLP specification, "Partial Success")."""
    if signal == "logs":
        logs = ExportLogsServiceResponse()
        logs.partial_success.rejected_log_records = count
        logs.partial_success.error_message = message
        return bytes(logs.SerializeToString())
    traces = ExportTraceServiceResponse()
    traces.partial_success.rejected_spans = count
    traces.partial_success.error_message = message
    return bytes(traces.SerializeToString())


def status_body(message: str) -> bytes:
    """Return the body of a failure over HTTP, as OTLP has it."""
    return bytes(Status(code=3, message=message).SerializeToString())


def retry_info(seconds: float) -> RetryInfo:
    """Return what asks a client over gRPC to wait."""
    delay = Duration()
    delay.FromNanoseconds(round(seconds * 1e9))
    return RetryInfo(retry_delay=delay)


def status_with_retry_info(seconds: float) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata in which that stands."""
    status = Status(code=8)
    status.details.add().Pack(retry_info(seconds))
    return (("grpc-status-details-bin", status.SerializeToString()),)


class _Scripted(Generic[Reply]):
    """What both servers have in common.

    Attributes:
        default: What is done once the script is at its end.
        requests: Those that came so far.
    """

    def __init__(self, default: Reply) -> None:
        self.default = default
        self.requests: list[Request] = []
        self._script: deque[Reply] = deque()
        self._stopped = threading.Event()

    def script(self, *replies: Reply) -> None:
        """Add to what will be done, one reply a request."""
        self._script.extend(replies)

    def next_reply(self) -> Reply:
        """Return what to do with the request that has come."""
        try:
            return self._script.popleft()
        except IndexError:
            return self.default

    def wait_for_stop(self, seconds: float | None = None) -> None:
        """Do nothing, until the server is stopped or so much time has passed."""
        self._stopped.wait(seconds)


class HttpServer(_Scripted[HttpReply]):
    """An HTTP server.

    Args:
        port: To listen on; 0 for any.

    Attributes:
        connections: How many were made so far.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(HttpReply())
        self.connections = 0
        self._server = SocketServer(_HttpHandler, self, port)

    @property
    def endpoint(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> HttpServer:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.stop()


class SocketServer(socketserver.ThreadingTCPServer):
    """A TCP server on 127.0.0.1 that ends all its connections and threads when it is stopped.

    Args:
        handler: The class that handles a connection; finds ``owner`` in its ``server``.
        owner: Whose server it is.
        port: To listen on; 0 for any.
    """

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, handler: Callable[[Any, Any, Any], Any], owner: Any, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.owner = owner
        self.port: int = self.server_address[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may end connections at any time."""


class _HttpHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def setup(self) -> None:
        super().setup()
        self.owner: HttpServer = self.server.owner  # type: ignore[attr-defined] # it is a SocketServer
        self.owner.connections += 1

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        size = int(headers["content-length"])
        reply = self.owner.next_reply()
        body = self.rfile.read(size if reply.read_bytes is None else min(size, reply.read_bytes))
        if reply.read_bytes is None and headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.owner.requests.append(Request(self.path, headers, body))
        if reply.silent:
            self.owner.wait_for_stop()
        if reply.silent or reply.raw is not None:
            self.wfile.write(reply.raw or b"")
            self.close_connection = True
        else:
            self._answer(reply)

    def _answer(self, reply: HttpReply) -> None:
        self.send_response(reply.status)
        for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        body = reply.body[: reply.cut_after][: reply.stall_after]
        for start in range(0, len(body), 1 if reply.seconds_per_byte else max(len(body), 1)):
            self.owner.wait_for_stop(reply.seconds_per_byte)
            self.wfile.write(body[start : start + 1] if reply.seconds_per_byte else body)
        if reply.stall_after is not None:
            self.owner.wait_for_stop()
        if reply.cut_after is not None or reply.close:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class GrpcServer(_Scripted[GrpcReply]):
    """A gRPC server that takes requests to any method.

    Args:
        port: To listen on; 0 for any.
        max_bytes: The largest request.
    """

    def __init__(self, port: int = 0, max_bytes: int = 4 * 1024 * 1024) -> None:
        super().__init__(GrpcReply())
        self._executor = ThreadPoolExecutor(8)
        options = (("grpc.max_receive_message_length", max_bytes), ("grpc.so_reuseport", 0))
        self._server = grpc.server(self._executor, handlers=[_AnyMethod(self)], options=options)
        self._port = self._server.add_insecure_port(f"127.0.0.1:{port}")

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> GrpcServer:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.stop(0).wait()
        self._executor.shutdown()

    def handle(self, method: str, body: bytes, context: grpc.ServicerContext) -> bytes:
        """Do what the script says."""
        metadata: Iterable[Any] = context.invocation_metadata()
        reply = self.next_reply()
        self.requests.append(Request(method, dict(metadata), body))
        if reply.silent:
            self.wait_for_stop()
        if reply.trailers:
            context.set_trailing_metadata(reply.trailers)
        if reply.code != "OK":
            context.abort(grpc.StatusCode[reply.code], reply.details)
        return reply.body


class _AnyMethod(grpc.GenericRpcHandler):
    def __init__(self, owner: GrpcServer) -> None:
        self._owner = owner

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self._owner.handle(method, body, context))
