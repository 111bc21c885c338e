"""Watching exporters: what they sent and lost is counted, and what goes wrong is said once, in words that help.

The official exporters log every failed batch. While one of ours exports, its words are taken here instead and explained.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_events.diagnosis import NO_ANSWER, Diagnosis, Seen, diagnose
from otel_events.scrub import scrub, secrets_of
from otel_events.settings.otlp import OtlpSettings

_logger = logging.getLogger("otel_events")

_EXPORTER_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)

_MAX_WORDS: Final = 200

_REJECTED: Final = -1
"""Stands among the ranks of diagnoses for records that were rejected."""


class _Export(threading.local):
    """What an export of this thread has come to so far."""

    running = False
    failures: tuple[Diagnosis, ...] = ()
    told = False
    rejected = 0


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
        self.diagnosis: Diagnosis | None = None
        self.rejection: str | None = None
        self._otlp = otlp
        self._lost_before = 0
        self._said: set[int] = set()
        self._closed = False
        self._exporting = threading.Lock()
        self._export = _Export()

    def open(self) -> None:
        """Begin to take the exporters' words, for the threads in which this one exports."""
        for name in _EXPORTER_LOGGERS:
            # First in line: the SDK's own filter there hides repetitions.
            logging.getLogger(name).filters.insert(0, self)

    def close(self) -> None:
        """Leave the exporters' words to their own loggers again, once an export that is under way has ended."""
        self._closed = True
        self._remove_if_closed()

    def export(self, export: Callable[[], bool], count: int) -> bool:
        """Run an export of ``count`` items, which says whether it succeeded, and account for it."""
        with self._exporting:
            if self._closed:
                self.lost += count
                return False
            self._export.running, self._export.failures, self._export.told, self._export.rejected = True, (), False, 0
            try:
                succeeded = export()
            except Exception as error:
                self.see(Seen(None, f"{type(error).__name__}: {error}"))
                succeeded = False
            self._export.running = False
            if not succeeded:
                self._tell()
            lost = min(self._export.rejected, count) if succeeded else count
            self.lost += lost
            self.sent += count - lost
            if succeeded:
                self._recovered()
        self._remove_if_closed()
        return succeeded

    def filter(self, record: logging.LogRecord) -> bool:
        """Take a line of an exporter that is ours; let others pass."""
        if not self._export.running:
            return True
        seen = _seen(record)
        if seen is not None:
            self.see(seen)
        elif not self._export.failures:
            # Over HTTP the session has seen it, but for what went wrong before anything was sent.
            self.see(Seen(None, record.getMessage()))
        return False

    def see(self, seen: Seen) -> None:
        """Take note of a failure. It is told at the second of an export, or at its end: a retry may mend it at once."""
        self._export.failures += (diagnose(self.signal, self._otlp, seen),)
        if len(self._export.failures) == 2:
            self._tell()

    def reject(self, count: int, message: str) -> None:
        """Take note that the server rejected some of what it was sent, in an export that succeeds otherwise."""
        self._export.rejected = count
        words = scrub(" ".join(message.split()), secrets_of(self._otlp))[:_MAX_WORDS].rstrip(".")
        self.rejection = f"the server rejects some of what it is sent ({words or 'without a reason'})"
        self._say(
            _REJECTED,
            f"{self._what} arrive at {self._otlp.shown_endpoint}, but {self.rejection}. Look at the log of the server.",
        )

    @property
    def _what(self) -> str:
        return "log records" if self.signal == "logs" else "spans"

    def _tell(self) -> None:
        if not self._export.failures or self._export.told:
            return
        self._export.told = True
        if self.trouble is None:
            self._lost_before = self.lost
        self.diagnosis = min(self._export.failures, key=lambda failure: failure.rank)
        self.trouble = (
            f"{self._what} do not arrive at {self._otlp.shown_endpoint} ({self._otlp.protocol}): "
            f"{self.diagnosis.cause}. {self.diagnosis.cure}"
        )
        self._say(self.diagnosis.rank, self.trouble)

    def _say(self, kind: int, sentence: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            _logger.warning("%s Said once; tracker.stats() counts what is lost.", sentence)

    def _remove_if_closed(self) -> None:
        if self._closed and not self._exporting.locked():
            for name in _EXPORTER_LOGGERS:
                logging.getLogger(name).removeFilter(self)

    def _recovered(self) -> None:
        if self.trouble is not None:
            self.trouble = self.diagnosis = None
            self._said.clear()
            _logger.warning(
                "%s arrive again at %s; %d were lost meanwhile.",
                self._what,
                self._otlp.shown_endpoint,
                self.lost - self._lost_before,
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


def _seen(record: logging.LogRecord) -> Seen | None:
    """Read what the gRPC exporter logged: a status among its arguments, with the details behind it."""
    arguments: tuple[Any, ...] = record.args if isinstance(record.args, tuple) else ()
    for argument in arguments:
        if isinstance(argument, grpc.StatusCode):
            detail = str(arguments[-1] or "")
            return Seen(None if detail.lower().startswith(NO_ANSWER) else argument.name, detail)
    return None
