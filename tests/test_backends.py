"""The real servers take a log record and a span event over HTTP and gRPC and show what arrived."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from tests.backends import records
from tests.backends.process import ServerError
from tests.backends.servers import Collector, Jaeger, VictoriaLogs
from tests.backends.wait import wait_until

CREATED_NS = 1_600_000_000_123_456_789  # in 2020: backfilled events must not get lost on the way
ATTRIBUTES: dict[str, Any] = {
    "app.order_id": "o-1",
    "app.total": 9.5,
    "app.items": 2**62,
    "app.paid": True,
    "app.tags": ["new", "größe"],
}


@contextlib.contextmanager
def logger_provider(collector: Collector, protocol: str, service: str) -> Iterator[LoggerProvider]:
    exporter: LogRecordExporter
    if protocol == "http":
        exporter = HttpLogExporter(endpoint=f"{collector.http_endpoint}/v1/logs")
    else:
        exporter = GrpcLogExporter(endpoint=collector.grpc_endpoint, insecure=True)
    provider = LoggerProvider(Resource({"service.name": service}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    try:
        yield provider
    finally:
        provider.shutdown()


@contextlib.contextmanager
def tracer_provider(collector: Collector, protocol: str, service: str) -> Iterator[TracerProvider]:
    exporter: SpanExporter
    if protocol == "http":
        exporter = HttpSpanExporter(endpoint=f"{collector.http_endpoint}/v1/traces")
    else:
        exporter = GrpcSpanExporter(endpoint=collector.grpc_endpoint, insecure=True)
    provider = TracerProvider(resource=Resource({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    try:
        yield provider
    finally:
        provider.shutdown()


def emit(collector: Collector, service: str, *bodies: str) -> None:
    with logger_provider(collector, "http", service) as provider:
        for body in bodies:
            provider.get_logger("otel_events").emit(timestamp=CREATED_NS, body=body, event_name="order-placed")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_log_record_is_found_in_the_file_and_in_victorialogs(
    protocol: str, collector: Collector, victorialogs: VictoriaLogs
) -> None:
    service = f"log-{protocol}-{uuid.uuid4()}"
    with (
        logger_provider(collector, protocol, service) as logs,
        tracer_provider(collector, protocol, service) as traces,
        traces.get_tracer("a").start_as_current_span("request") as span,
    ):
        logs.get_logger("otel_events", "1.2.3", schema_url="https://example.org/schema").emit(
            timestamp=CREATED_NS,
            observed_timestamp=CREATED_NS + 1,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            body="order o-1 was placed",
            attributes={**ATTRIBUTES, "app.raw": b"\x00\xff", "app.nested": {"a": [1, None]}},
            event_name="order-placed",
        )
        context = span.get_span_context()

    [record] = wait_until(lambda: collector.log_records(service))
    assert record.event_name == "order-placed"
    assert record.body == "order o-1 was placed"
    assert (record.severity_number, record.severity_text) == (13, "WARN")
    assert record.attributes == {**ATTRIBUTES, "app.raw": b"\x00\xff", "app.nested": {"a": [1, None]}}
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (CREATED_NS, CREATED_NS + 1)
    assert record.trace_id == format_trace_id(context.trace_id)
    assert record.span_id == format_span_id(context.span_id)
    assert record.flags & 1
    assert record.resource["service.name"] == service
    assert (record.scope_name, record.scope_version) == ("otel_events", "1.2.3")
    assert record.schema_url == "https://example.org/schema"

    [row] = wait_until(lambda: victorialogs.query(f'{{service.name="{service}"}}'))
    assert row["event_name"] == "order-placed"
    assert row["_msg"] == "order o-1 was placed"
    assert row["_time"] == "2020-09-13T12:26:40.123456789Z"
    assert row["_stream"] == f'{{event_name="order-placed",service.name="{service}"}}'
    assert row["severity_text"] == "WARN"
    assert (row["trace_id"], row["span_id"]) == (record.trace_id, record.span_id)
    assert row["app.order_id"] == "o-1"
    assert row["app.items"] == str(2**62)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_span_event_is_found_in_the_file_and_in_jaeger(protocol: str, collector: Collector, jaeger: Jaeger) -> None:
    service = f"span-{protocol}-{uuid.uuid4()}"
    with tracer_provider(collector, protocol, service) as provider:
        tracer = provider.get_tracer("otel_events", "1.2.3")
        with tracer.start_as_current_span("request", start_time=CREATED_NS, attributes={"http.route": "/"}) as span:
            span.add_event("order-placed", ATTRIBUTES, timestamp=CREATED_NS)

    [arrived] = wait_until(lambda: collector.spans(service))
    assert arrived.name == "request"
    assert arrived.trace_id == format_trace_id(span.get_span_context().trace_id)
    assert arrived.span_id == format_span_id(span.get_span_context().span_id)
    assert arrived.parent_span_id == ""
    assert arrived.start_time_unix_nano == CREATED_NS < arrived.end_time_unix_nano
    assert arrived.attributes == {"http.route": "/"}
    assert (arrived.scope_name, arrived.scope_version) == ("otel_events", "1.2.3")
    assert arrived.events == [records.SpanEvent("order-placed", CREATED_NS, ATTRIBUTES)]

    [event] = wait_until(lambda: jaeger.span_events(service))
    assert event.name == "order-placed"
    assert event.time_unix_nano == CREATED_NS // 1_000 * 1_000
    assert event.attributes["app.order_id"] == "o-1"
    assert event.attributes["app.paid"] is True
    assert event.attributes["app.items"] == 2**62
    assert event.attributes["app.total"] == 9.5


def test_a_collector_keeps_what_it_acknowledged_when_killed_and_comes_back_on_its_ports(
    own_collector: Collector,
) -> None:
    ports = own_collector.ports
    emit(own_collector, "shop", "1", "2")
    own_collector.stop(kill=True)
    assert not own_collector.running
    assert [record.body for record in own_collector.log_records("shop")] == ["1", "2"]

    own_collector.start()
    assert own_collector.ports == ports
    emit(own_collector, "shop", "3")
    emit(own_collector, "other", "4")
    own_collector.stop()
    assert [record.body for record in own_collector.log_records("shop")] == ["1", "2", "3"]
    assert [record.body for record in own_collector.log_records()] == ["1", "2", "3", "4"]


def test_a_test_with_a_backend_is_marked(request: pytest.FixtureRequest, own_collector: Collector) -> None:
    assert own_collector.running
    assert request.node.get_closest_marker("backends")


def test_victorialogs_refusing_a_query_is_an_error(victorialogs: VictoriaLogs) -> None:
    with pytest.raises(ServerError, match="answered 400: cannot parse `query`"):
        victorialogs.query("(")


def test_special_values_of_otlp_json() -> None:
    assert math.isnan(records.python_value({"doubleValue": "NaN"}))
    assert records.python_value({"doubleValue": "-Infinity"}) == -math.inf
    assert records.python_value({}) is None
    twice = {"key": "a", "value": {"stringValue": "b"}}
    with pytest.raises(ValueError, match="a key is there twice"):
        records.python_attributes([twice, twice])
