"""Watching exporters: what they sent and lost is counted, and what goes wrong is said once, in words that help.

The official exporters log every failed batch. While one of ours exports, its words are taken here instead and explained.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_events.sdk.diagnosis import Seen, explain
from otel_events.settings import OtlpSettings

_logger = logging.getLogger("otel_events")

_EXPORTER_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)


class Watch(logging.Filter):
    """The counts and the state of one exporter.

    Args:
        signal: ``logs`` or ``traces``.
        otlp: How it exports.
    """

    def __init__(self, signal: str, otlp: OtlpSettings) -> None:
        super().__init__()
        self.signal = signal
        self.sent = 0
        self.lost = 0
        self.trouble: str | None = None
        self._otlp = otlp
        self._said: set[str] = set()
        self._exporting = threading.local()

    def open(self) -> None:
        """Begin to take the exporters' words, for the threads in which this one exports."""
        for name in _EXPORTER_LOGGERS:
            # First in line: the SDK's own filter there hides repetitions.
            logging.getLogger(name).filters.insert(0, self)

    def close(self) -> None:
        """Leave the exporters' words to their own loggers again."""
        for name in _EXPORTER_LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def export(self, export: Callable[[], bool], count: int) -> bool:
        """Run an export of ``count`` items, which says whether it succeeded, and account for it."""
        self._exporting.now = True
        try:
            succeeded = export()
        except Exception as error:
            self._see(Seen(None, f"{type(error).__name__}: {error}"))
            succeeded = False
        finally:
            self._exporting.now = False
        if succeeded:
            self.sent += count
            self._recovered()
        else:
            self.lost += count
        return succeeded

    def filter(self, record: logging.LogRecord) -> bool:
        """Take a line of an exporter that is ours; let others pass."""
        if not getattr(self._exporting, "now", False):
            return True
        self._see(_seen(record))
        return False

    def _see(self, seen: Seen) -> None:
        if seen.code is None and "due to timeout, max retries" in seen.detail:
            return  # The end of what the lines before it told.
        self.trouble = explain(self.signal, self._otlp, seen)
        if self.trouble not in self._said:
            self._said.add(self.trouble)
            _logger.warning("%s Said once; tracker.stats() counts what is lost.", self.trouble)

    def _recovered(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            self._said.clear()
            _logger.warning(
                "%s arrive again at %s; %d were lost meanwhile.",
                "log records" if self.signal == "logs" else "spans",
                self._otlp.shown_endpoint,
                self.lost,
            )


class WatchedLogExporter(LogRecordExporter):
    """A log exporter under watch."""

    def __init__(self, exporter: LogRecordExporter, watch: Watch) -> None:
        self._exporter = exporter
        self._watch = watch

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export a batch of records."""
        success = self._watch.export(lambda: self._exporter.export(batch) is LogRecordExportResult.SUCCESS, len(batch))
        return LogRecordExportResult.SUCCESS if success else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing is kept here."""
        return True

    def shutdown(self) -> None:
        """Shut the exporter down, which also ends its retries."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call] # the SDK leaves it without a return type


class WatchedSpanExporter(SpanExporter):
    """A span exporter under watch."""

    def __init__(self, exporter: SpanExporter, watch: Watch) -> None:
        self._exporter = exporter
        self._watch = watch

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch of spans."""
        success = self._watch.export(lambda: self._exporter.export(spans) is SpanExportResult.SUCCESS, len(spans))
        return SpanExportResult.SUCCESS if success else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return True

    def shutdown(self) -> None:
        """Shut the exporter down, which also ends its retries."""
        self._exporter.shutdown()


def _seen(record: logging.LogRecord) -> Seen:
    """Read what an exporter logged: a status among its arguments, and all its words."""
    arguments: tuple[Any, ...] = record.args if isinstance(record.args, tuple) else ()
    code: int | str | None = None
    for argument in arguments:
        if isinstance(argument, int) and 100 <= argument < 600:
            code = argument
        elif type(argument).__name__ == "StatusCode":
            code = argument.name
    return Seen(code, record.getMessage())
