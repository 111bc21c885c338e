"""OTLP over gRPC: ``LogsService`` and ``TraceService``, as OTLP 1.x has it ("OTLP/gRPC")."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc

from otel_events.receiver.intake import Intake
from otel_events.receiver.signals import SIGNALS, Signal

_MAX_CONCURRENT_STREAMS: Final = 100
"""Requests in flight on one connection; gRPC lets a client wait with the next ones."""


def create_server(intake: Intake, executor: ThreadPoolExecutor, *, max_body_bytes: int) -> grpc.Server:
    """Make the gRPC server, without a port yet.

    Args:
        intake: Takes the requests.
        executor: Where they are parsed and stored.
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
        ],
    )
    # The generated add_LogsServiceServicer_to_server parses before the handler is asked and answers INTERNAL where that
    # fails; the specification wants INVALID_ARGUMENT.
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(
                signal.service, {"Export": grpc.unary_unary_rpc_method_handler(_export(intake, signal))}
            )
            for signal in SIGNALS
        )
    )
    return server


def _export(intake: Intake, signal: Signal) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    def export(data: bytes, context: grpc.ServicerContext) -> bytes:
        if any(key == "origin" for key, _ in context.invocation_metadata()):
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED, "Requests with an Origin header, from web pages, are refused here."
            )
        try:
            request = signal.parse(data)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        try:
            return bytes(intake.take(signal, request).SerializeToString())
        except sqlite3.Error as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, f"The database cannot take it now: {error}")
        raise AssertionError("context.abort always raises")

    return export
