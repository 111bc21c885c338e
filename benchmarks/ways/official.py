"""OpenTelemetry's own SDK, with its batch processor and its exporters: by its Logs API, and by its logging handler."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource

from benchmarks.ways.way import Opening, Sender

FLUSH_MILLIS: Final = 120_000


class _ProviderSender:
    """Has a provider as an application would set it up.

    Args:
        opening: What the way is given.
        exporter: Sends the records.
    """

    def __init__(self, opening: Opening, exporter: LogRecordExporter) -> None:
        self._workload = opening.workload
        self._provider = LoggerProvider(Resource.create({"service.name": opening.service}))
        self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter))

    def flush(self) -> None:
        """Wait until all is acknowledged."""
        self._provider.force_flush(FLUSH_MILLIS)

    def close(self) -> None:
        """Flush and end."""
        self._provider.shutdown()


class LogsSender(_ProviderSender):
    """Emits event records by the Logs API."""

    def __init__(self, opening: Opening, exporter: LogRecordExporter) -> None:
        super().__init__(opening, exporter)
        self.call = self._provider.get_logger("benchmark").emit

    def prepare(self, number: int) -> LogRecord:
        """Make the record."""
        now = time.time_ns()
        return LogRecord(
            timestamp=now,
            observed_timestamp=now,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            body=self._workload.body(number),
            attributes=self._workload.attributes(number, f"{number:026d}"),
            event_name=self._workload.name,
        )

    def send(self, number: int) -> None:
        """Make the record of this number and emit it."""
        self.call(self.prepare(number))


class HandlerSender(_ProviderSender):
    """Logs by ``logging``, through the handler of opentelemetry-instrumentation-logging."""

    def __init__(self, opening: Opening, exporter: LogRecordExporter) -> None:
        from opentelemetry.instrumentation.logging.handler import LoggingHandler

        super().__init__(opening, exporter)
        self._logger = logging.getLogger("benchmark")
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(LoggingHandler(logger_provider=self._provider))

    def prepare(self, number: int) -> tuple[str, dict[str, Any]]:
        """Make the message and ``extra``."""
        extra = self._workload.attributes(number, f"{number:026d}")
        extra["otel.event.name"] = self._workload.name
        return self._workload.body(number), extra

    def call(self, prepared: tuple[str, dict[str, Any]]) -> None:
        """Log what was prepared."""
        self._logger.info(prepared[0], extra=prepared[1])

    def send(self, number: int) -> None:
        """Make the message of this number and log it."""
        self.call(self.prepare(number))


def logs_http(opening: Opening) -> Sender:
    """Open the Logs API."""
    return LogsSender(opening, _http_exporter(opening))


def logs_grpc(opening: Opening) -> Sender:
    """Open the Logs API, over gRPC."""
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

    return LogsSender(opening, OTLPLogExporter(endpoint=opening.endpoint, insecure=True))


def handler_http(opening: Opening) -> Sender:
    """Open the logging handler."""
    return HandlerSender(opening, _http_exporter(opening))


def _http_exporter(opening: Opening) -> LogRecordExporter:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return OTLPLogExporter(endpoint=f"{opening.endpoint}/v1/logs")
