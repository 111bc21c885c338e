"""The two signals that are received, as data: where they arrive, how they are decoded and answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from otel_events.receiver.decode import Batch, decode_logs, decode_traces
from otel_events.receiver.otlp_json import parse_json


class _Decode(Protocol):
    def __call__(self, request: Any, /, *, received_ns: int, max_records: int) -> Batch: ...


@dataclass(frozen=True)
class Signal:
    """One signal of OTLP.

    Attributes:
        path: Where its requests are posted to over HTTP.
        service: The full name of its gRPC service, whose one method is ``Export``.
        request: The class of its requests.
        decode: Gives the rows of a request.
        respond: Gives the answer to a request, from how many records were rejected and why.
    """

    path: str
    service: str
    request: type[Message]
    decode: _Decode
    respond: Callable[[int, str], Message]

    def parse(self, data: bytes) -> Message:
        """Parse a request in protobuf.

        Raises:
            ValueError: It is not one.
        """
        try:
            return self.request.FromString(data)
        except DecodeError as error:
            raise ValueError(f"the body is not {self.request.DESCRIPTOR.full_name} in protobuf: {error}") from error

    def parse_json(self, data: bytes) -> Message:
        """Parse a request in OTLP JSON.

        Raises:
            ValueError: It is not one.
        """
        return parse_json(self.request(), data)


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
        request=logs_service_pb2.ExportLogsServiceRequest,
        decode=decode_logs,
        respond=_logs_response,
    ),
    Signal(
        path="/v1/traces",
        service=trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name,
        request=trace_service_pb2.ExportTraceServiceRequest,
        decode=decode_traces,
        respond=_traces_response,
    ),
)
