"""The way of a record through the OpenTelemetry SDK and the official OTLP encoder, and back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as OtlpLogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_events.conversion.record import LogRecord, SpanEvent
from otel_events.sdk.logs import LogEmitter
from otel_events.sdk.spans import SpanEmitter


class _Listening(logging.Handler):
    """Takes what the SDK logs in this thread; exporters of other tests may still be at work in theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def nothing_is_said() -> Iterator[None]:
    """Fail where the SDK or its exporters log anything, at whatever level."""
    handler = _Listening()
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    assert handler.said == []


class Official:
    """A LoggerProvider and a TracerProvider that keep what is exported; emitters as the SDK pipeline has them."""

    def __init__(self) -> None:
        self._records = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
        logger_provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._records))
        self._logs = LogEmitter(logger_provider)
        self._spans = InMemorySpanExporter()
        tracer_provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
        tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self._events = SpanEmitter(tracer_provider)

    def log(self, record: LogRecord) -> bytes:
        """Emit a log record and return the request that the official encoder makes of it."""
        self._records.clear()
        with nothing_is_said():
            self._logs.emit(record)
            return encode_logs(self._records.get_finished_logs()).SerializeToString()

    def span(self, event: SpanEvent) -> bytes:
        """Bridge a span event and return the request that the official encoder makes of its span."""
        self._spans.clear()
        with nothing_is_said():
            self._events.emit(event)
            return encode_spans(self._spans.get_finished_spans()).SerializeToString()


def decoded_log(request: bytes) -> OtlpLogRecord:
    """Return the one log record of a request."""
    [resource] = ExportLogsServiceRequest.FromString(request).resource_logs
    [scope] = resource.scope_logs
    [record] = scope.log_records
    return record


def decoded_span(request: bytes) -> OtlpSpan:
    """Return the one span of a request."""
    [resource] = ExportTraceServiceRequest.FromString(request).resource_spans
    [scope] = resource.scope_spans
    [span] = scope.spans
    return span


def attributes(pairs: Any) -> dict[str, Any]:
    """Return decoded attributes as Python values; each key stands there once."""
    result = {pair.key: _value(pair.value) for pair in pairs}
    assert len(result) == len(pairs)
    return result


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind in ("string_value", "bool_value", "int_value", "double_value", "bytes_value", "array_value"), kind
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)
