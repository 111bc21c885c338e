"""A converted event becomes an event of the active span, or of a zero-length span of its own, or is reported as left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from otel_events import semconv, to_span_event
from otel_events.sdk.spans import Bridged, SpanEmitter
from otel_events.version import VERSION
from tests.sdk.support import Ping

EVENT = replace(to_span_event(Ping(number=7)), time_ns=1_600_000_000_123_456_789)


def provider_to(exporter: InMemorySpanExporter, sampler: Sampler = DEFAULT_ON) -> TracerProvider:
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def arrived() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def events_of(span: ReadableSpan) -> list[tuple[str, int, dict[str, object]]]:
    return [(event.name, event.timestamp, dict(event.attributes or {})) for event in span.events]


def test_the_active_span_carries_it(arrived: InMemorySpanExporter) -> None:
    provider = provider_to(arrived)
    with provider.get_tracer("application").start_as_current_span("request"):
        assert SpanEmitter(provider).emit(EVENT) is Bridged.ACTIVE_SPAN
    [span] = arrived.get_finished_spans()
    assert span.name == "request"
    assert events_of(span) == [(EVENT.name, EVENT.time_ns, EVENT.attributes)]


def test_where_no_span_records_a_zero_length_one_carries_it(arrived: InMemorySpanExporter) -> None:
    assert SpanEmitter(provider_to(arrived)).emit(EVENT) is Bridged.OWN_SPAN
    [span] = arrived.get_finished_spans()
    assert (span.name, span.start_time, span.end_time) == ("ping", EVENT.time_ns, EVENT.time_ns)
    assert events_of(span) == [(EVENT.name, EVENT.time_ns, EVENT.attributes)]
    scope = span.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version, scope.schema_url) == ("otel_events", VERSION, semconv.SCHEMA_URL)


def test_a_remote_parent_keeps_the_event_in_its_trace(arrived: InMemorySpanExporter) -> None:
    remote = SpanContext(0xA1, 0xB2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with trace.use_span(NonRecordingSpan(remote)):
        assert SpanEmitter(provider_to(arrived)).emit(EVENT) is Bridged.OWN_SPAN
    [span] = arrived.get_finished_spans()
    assert span.parent is not None
    assert (span.context.trace_id, span.parent.span_id) == (0xA1, 0xB2)


def test_what_a_sampler_leaves_out_is_reported(arrived: InMemorySpanExporter) -> None:
    assert SpanEmitter(provider_to(arrived, ALWAYS_OFF)).emit(EVENT) is Bridged.NOT_SAMPLED
    unsampled = SpanContext(0xA1, 0xB2, is_remote=True, trace_flags=TraceFlags(TraceFlags.DEFAULT))
    with trace.use_span(NonRecordingSpan(unsampled)):
        assert SpanEmitter(provider_to(arrived)).emit(EVENT) is Bridged.NOT_SAMPLED
    assert not arrived.get_finished_spans()


def test_an_unknown_time_is_now(arrived: InMemorySpanExporter) -> None:
    SpanEmitter(provider_to(arrived)).emit(replace(EVENT, time_ns=0))
    [span] = arrived.get_finished_spans()
    assert span.start_time is not None
    assert span.end_time is not None
    assert 0 < EVENT.time_ns < span.start_time <= span.events[0].timestamp <= span.end_time
