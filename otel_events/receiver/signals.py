"""The two signals that are received, as data: where they arrive, what they hold, how they are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from otel_events.receiver.otlp_json import parse_json


@dataclass(frozen=True)
class Signal:
    """One signal of OTLP.

    Attributes:
        path: Where its requests are posted to over HTTP.
        service: The full name of its gRPC service, whose one method is ``Export``.
        holds: What its requests hold.
        request: The class of its requests.
        respond: Gives the answer to a request, from how many records were rejected and why.
    """

    path: str
    service: str
    holds: Literal["log records", "spans"]
    request: type[Message]
    respond: Callable[[int, str], Message]

    def from_json(self, data: bytes) -> bytes:
        """Give a request in OTLP JSON as protobuf.

        Raises:
            ValueError: It is not one.
        """
        return parse_json(self.request(), data).SerializeToString()


def _logs_response(rejected: int, message: str) -> Message:
    response = logs_service_pb2.ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return response


def _traces_response(rejected: int, message: str) -> Message:
    response = trace_service_pb2.ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = message
    return response


SIGNALS: Final = (
    Signal(
        path="/v1/logs",
        service=logs_service_pb2.DESCRIPTOR.services_by_name["LogsService"].full_name,
        holds="log records",
        request=logs_service_pb2.ExportLogsServiceRequest,
        respond=_logs_response,
    ),
    Signal(
        path="/v1/traces",
        service=trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name,
        holds="spans",
        request=trace_service_pb2.ExportTraceServiceRequest,
        respond=_traces_response,
    ),
)
