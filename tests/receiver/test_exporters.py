"""What the official SDK's exporters send, over every transport, arrives as it was meant."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from otel_events.receiver import Receiver
from tests.receiver.support import TIME_NS, query

RESOURCE = Resource({"service.name": "shop", "service.instance.id": "i-1"})


def http_logs(receiver: Receiver, compression: Compression) -> LogRecordExporter:
    return HttpLogExporter(f"http://127.0.0.1:{receiver.http_port}/v1/logs", compression=compression)


def http_spans(receiver: Receiver, compression: Compression) -> SpanExporter:
    return HttpSpanExporter(f"http://127.0.0.1:{receiver.http_port}/v1/traces", compression=compression)


LOG_EXPORTERS: dict[str, Callable[[Receiver], LogRecordExporter]] = {
    "http": lambda receiver: http_logs(receiver, Compression.NoCompression),
    "http-gzip": lambda receiver: http_logs(receiver, Compression.Gzip),
    "http-deflate": lambda receiver: http_logs(receiver, Compression.Deflate),
    "grpc": lambda receiver: GrpcLogExporter(f"http://127.0.0.1:{receiver.grpc_port}"),
    "grpc-gzip": lambda receiver: GrpcLogExporter(
        f"http://127.0.0.1:{receiver.grpc_port}", compression=grpc.Compression.Gzip
    ),
}
SPAN_EXPORTERS: dict[str, Callable[[Receiver], SpanExporter]] = {
    "http": lambda receiver: http_spans(receiver, Compression.NoCompression),
    "http-gzip": lambda receiver: http_spans(receiver, Compression.Gzip),
    "grpc": lambda receiver: GrpcSpanExporter(f"http://127.0.0.1:{receiver.grpc_port}"),
}


def emit(exporter: LogRecordExporter, uids: list[str]) -> None:
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("otel_events", "1.0")
    for uid in uids:
        logger.emit(
            LogRecord(
                timestamp=TIME_NS,
                observed_timestamp=TIME_NS + 1,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body=f"Order {uid} placed",
                event_name="order-placed",
                attributes={
                    "log.record.uid": uid,
                    "user.id": "alice",
                    "shop.items": 2**53 + 1,
                    "shop.total": 9.5,
                    "shop.gift": True,
                    "shop.raw": b"\x00\xff",
                    "shop.tags": ["a", "b"],
                    "shop.address": {"city": "Zürich"},
                },
            )
        )
    provider.shutdown()


@pytest.mark.parametrize("transport", LOG_EXPORTERS)
def test_log_records_arrive_whole(receiver: Receiver, transport: str) -> None:
    emit(LOG_EXPORTERS[transport](receiver), ["u1"])
    [event] = receiver.store.events()
    assert (event.uid, event.signal, event.name, event.actor) == ("u1", "log", "order-placed", "alice")
    assert (event.time_ns, event.observed_ns) == (TIME_NS, TIME_NS + 1)
    assert (event.severity_number, event.severity_text, event.body) == (9, "INFO", "Order u1 placed")
    assert (event.service, event.service_instance) == ("shop", "i-1")
    assert (event.scope, event.scope_version) == ("otel_events", "1.0")
    assert event.attributes == {
        "log.record.uid": "u1",
        "user.id": "alice",
        "shop.items": 2**53 + 1,
        "shop.total": 9.5,
        "shop.gift": True,
        "shop.raw": "base64:AP8=",
        "shop.tags": ["a", "b"],
        "shop.address": {"city": "Zürich"},
    }
    assert event.resource == {"service.name": "shop", "service.instance.id": "i-1"}


@pytest.mark.parametrize("transport", SPAN_EXPORTERS)
def test_spans_and_their_events_arrive_whole(receiver: Receiver, transport: str) -> None:
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SPAN_EXPORTERS[transport](receiver)))
    tracer = provider.get_tracer("otel_events", "1.0")
    with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("inner") as inner:
        inner.add_event("order-placed", {"log.record.uid": "u1", "user.id": "alice"}, timestamp=TIME_NS)
    provider.shutdown()
    [event] = receiver.store.events()
    outer_id, inner_id = (f"{span.get_span_context().span_id:016x}" for span in (outer, inner))
    assert (event.uid, event.signal, event.name, event.actor) == ("u1", "span_event", "order-placed", "alice")
    assert event.time_ns == TIME_NS
    assert event.trace_id == f"{inner.get_span_context().trace_id:032x}"
    assert event.span_id == inner_id
    sql = "SELECT name, span_id, parent_span_id, service FROM spans ORDER BY name"
    assert query(receiver.store.path, sql) == [("inner", inner_id, outer_id, "shop"), ("outer", outer_id, None, "shop")]


def test_the_same_event_over_both_signals_is_one_row(receiver: Receiver) -> None:
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SPAN_EXPORTERS["grpc"](receiver)))
    with provider.get_tracer("otel_events").start_as_current_span("request") as span:
        span.add_event("order-placed", {"log.record.uid": "u1"})
    provider.shutdown()
    emit(LOG_EXPORTERS["http"](receiver), ["u1"])
    [event] = receiver.store.events()
    assert (event.signal, event.body, event.severity_number) == ("log", "Order u1 placed", 9)
    assert event.trace_id == f"{span.get_span_context().trace_id:032x}"
    assert receiver.stats().merged == 1


def test_two_exporters_at_once_lose_nothing_and_double_nothing(receiver: Receiver) -> None:
    uids = [[f"{side}-{number}" for number in range(25)] + [f"both-{number}" for number in range(5)] for side in "ab"]
    exporters = [LOG_EXPORTERS["http"](receiver), LOG_EXPORTERS["grpc"](receiver)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(emit, exporters, uids))
    assert sorted(event.uid or "" for event in receiver.store.events()) == sorted({*uids[0], *uids[1]})
    assert receiver.stats().repeated == 5
