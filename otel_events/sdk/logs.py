"""A converted event → the Logs API."""

from __future__ import annotations

from opentelemetry._logs import LoggerProvider, SeverityNumber
from opentelemetry._logs import LogRecord as ApiLogRecord
from opentelemetry.trace import TraceFlags

from otel_events import semconv
from otel_events.conversion.record import LogRecord
from otel_events.version import VERSION


class LogEmitter:
    """Emits log records through a logger of the given provider.

    Args:
        provider: The application's own, or ours.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        self._logger = provider.get_logger(semconv.SCOPE_NAME, VERSION, semconv.SCHEMA_URL)

    def emit(self, record: LogRecord) -> None:
        """Hand a record to the provider's processors."""
        emitted = ApiLogRecord(
            timestamp=record.time_ns or None,
            observed_timestamp=record.observed_ns,
            severity_number=SeverityNumber(record.severity_number),
            severity_text=record.severity_text,
            body=record.body,
            attributes=record.attributes,
            event_name=record.event_name,
        )
        # The record's own context holds, also where it is emitted elsewhere than it was tracked. The constructor takes these
        # three only with a deprecation warning.
        emitted.trace_id = record.trace_id
        emitted.span_id = record.span_id
        emitted.trace_flags = TraceFlags(record.trace_flags)
        self._logger.emit(emitted)
