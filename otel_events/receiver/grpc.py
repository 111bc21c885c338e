"""OTLP over gRPC: ``LogsService`` and ``TraceService``, as OTLP 1.x has it ("OTLP/gRPC")."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_events.receiver.access import Access
from otel_events.receiver.gate import RETRY_AFTER_SECONDS, BusyError
from otel_events.receiver.intake import Intake
from otel_events.receiver.signals import SIGNALS, Signal

WORKERS: Final = 16
"""Threads for the executor: requests that wait for the database at once, so that one commit takes them all."""

_MAX_CONCURRENT_STREAMS: Final = 100
"""Requests in flight on one connection; gRPC lets a client wait with the next ones."""

_MAX_CONCURRENT_RPCS: Final = 400
"""Requests in flight on all connections; gRPC refuses the next ones without asking anybody here."""

_MESSAGES_AT_ONCE: Final = 2
"""Messages that are received at once. How large one is, gRPC says only when it is there, so their number bounds the memory."""

_MESSAGE_SECONDS: Final = 30.0
"""How long a client may take to send its message while others wait."""

_PATIENCE_SECONDS: Final = 5.0


def create_server(intake: Intake, access: Access, executor: ThreadPoolExecutor, *, max_body_bytes: int) -> grpc.Server:
    """Make the gRPC server, without a port yet.

    Args:
        intake: Takes the requests.
        access: Says who may send some.
        executor: Where requests are received and wait for the database, in :data:`WORKERS` threads.
        max_body_bytes: The largest message, as sent and as unpacked; larger ones get RESOURCE_EXHAUSTED.

    Returns:
        The server, not started.
    """
    server = grpc.server(
        executor,
        options=[
            ("grpc.max_receive_message_length", max_body_bytes),
            ("grpc.max_concurrent_streams", _MAX_CONCURRENT_STREAMS),
            # Otherwise a second receiver would share the port instead of hearing that it is taken.
            ("grpc.so_reuseport", 0),
            # Otherwise the windows of flow control grow, and with them what is in memory of requests that wait.
            ("grpc.http2.bdp_probe", 0),
        ],
        maximum_concurrent_rpcs=_MAX_CONCURRENT_RPCS,
    )
    # The generated add_LogsServiceServicer_to_server parses before the handler is asked and answers INTERNAL where that
    # fails; the specification wants INVALID_ARGUMENT. To a client a stream of one message is the same as a message; here
    # it is received when the handler asks for it, not before.
    messages = _Messages()
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(
                signal.service,
                {"Export": grpc.stream_unary_rpc_method_handler(_export(intake, access, messages, signal))},
            )
            for signal in SIGNALS
        )
    )
    return server


class _Messages:
    """Receives few messages at once. Who takes too long to send one is cut off when another waits."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(_MESSAGES_AT_ONCE)
        self._since: dict[grpc.ServicerContext, float] = {}

    def receive(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """Receive the one message of a request.

        Raises:
            BusyError: It was not its turn for too long.
            ValueError: There is none.
        """
        if not self._turns.acquire(timeout=_PATIENCE_SECONDS):
            now = time.monotonic()
            for slow in [slow for slow, since in self._since.copy().items() if now - since > _MESSAGE_SECONDS]:
                slow.cancel()
            raise BusyError("The receiver is busy with the messages of others. Send this one again.")
        self._since[context] = time.monotonic()
        try:
            message = next(messages, None)
        finally:
            del self._since[context]
            self._turns.release()
        if message is None:
            raise ValueError("the request has no message")
        return message


def _export(
    intake: Intake, access: Access, messages: _Messages, signal: Signal
) -> Callable[[Iterator[bytes], grpc.ServicerContext], bytes]:
    def export(stream: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        if "origin" in metadata:
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED, "Requests with an Origin header, from web pages, are refused here."
            )
        if not access.has_token(metadata.get("authorization")):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Send the receiver's token: authorization: Bearer TOKEN.")
        try:
            with intake.gate.enter() as passage:
                data = messages.receive(stream, context)
                passage.hold(len(data))
                answer = intake.submit(signal, data).result()
            return bytes(answer.SerializeToString())
        except BusyError as error:
            context.set_trailing_metadata((("grpc-status-details-bin", _come_again(str(error))),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except sqlite3.Error as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, f"The database cannot take it now: {error}")
        raise AssertionError("context.abort always raises")

    return export


def _come_again(message: str) -> bytes:
    """Give the details without which RESOURCE_EXHAUSTED means never to send it again ("OTLP/gRPC Throttling")."""
    details = AnyMessage()
    details.Pack(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_SECONDS)))
    status = Status(code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], message=message, details=[details])
    return bytes(status.SerializeToString())
