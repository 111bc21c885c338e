"""A converted event becomes exactly one log record, with everything in its place."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from otel_events import Stamp, semconv, to_log_record
from otel_events.conversion.record import LogRecord
from otel_events.sdk.logs import LogEmitter
from otel_events.version import VERSION
from tests.sdk.support import Ping

STAMP = Stamp("01J0000000ABCDEFGH00000001", 2_000, 0x5B8EFFF798038103D269B633813FC60C, 0xEEE19B7EC3C1B174, 1)


@pytest.fixture
def arrived() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()  # type: ignore[no-untyped-call] # the SDK leaves it without a return type


@pytest.fixture
def emitter(arrived: InMemoryLogRecordExporter) -> LogEmitter:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(arrived))
    return LogEmitter(provider)


def test_every_part_of_a_record_is_in_its_place(emitter: LogEmitter, arrived: InMemoryLogRecordExporter) -> None:
    record = to_log_record(Ping(actor="alice", number=7), stamp=STAMP)
    emitter.emit(record)
    [log] = arrived.get_finished_logs()
    emitted = log.log_record
    assert emitted.event_name == "ping"
    assert (emitted.timestamp, emitted.observed_timestamp) == (record.time_ns, 2_000)
    assert (emitted.severity_number, emitted.severity_text) == (SeverityNumber.INFO, "INFO")
    assert emitted.body == record.body
    assert dict(emitted.attributes or {}) == {
        "log.record.uid": STAMP.uid,
        "user.id": "alice",
        "test.number": 7,
    }
    assert (emitted.trace_id, emitted.span_id, emitted.trace_flags) == (STAMP.trace_id, STAMP.span_id, 1)
    scope = log.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version, scope.schema_url) == ("otel_events", VERSION, semconv.SCHEMA_URL)


def test_the_span_of_the_stamp_holds_where_another_one_is_active(
    emitter: LogEmitter, arrived: InMemoryLogRecordExporter
) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("other")
    with tracer.start_as_current_span("where it is emitted") as span:
        emitter.emit(to_log_record(Ping(), stamp=STAMP))
        emitter.emit(to_log_record(Ping()))
    tracked, without = (log.log_record for log in arrived.get_finished_logs())
    assert span.get_span_context().trace_id != STAMP.trace_id
    assert (tracked.trace_id, tracked.span_id) == (STAMP.trace_id, STAMP.span_id)
    assert (without.trace_id, without.span_id, without.trace_flags) == (0, 0, trace.TraceFlags.DEFAULT)


def test_an_unknown_time_is_left_out(emitter: LogEmitter, arrived: InMemoryLogRecordExporter) -> None:
    emitter.emit(LogRecord("ping", 0, 5, 9, "INFO", "ping", {}))
    [log] = arrived.get_finished_logs()
    assert (log.log_record.timestamp, log.log_record.observed_timestamp) == (None, 5)
