"""Logfire, which writes a log as a span without duration, to a collector instead of its own service."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.ways.way import Opening, Sender


class LogfireSender:
    """Logs by ``logfire.info``, exported by OpenTelemetry's exporter for spans, which Logfire makes of the standard variable.

    Args:
        opening: What the way is given.
    """

    def __init__(self, opening: Opening) -> None:
        import logfire

        os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"{opening.endpoint}/v1/traces"
        self._logfire = logfire.configure(
            send_to_logfire=False, console=False, metrics=False, service_name=opening.service
        )
        self._workload = opening.workload

    def prepare(self, number: int) -> tuple[str, dict[str, Any]]:
        """Make the message and the attributes."""
        return self._workload.body(number), self._workload.attributes(number, f"{number:026d}")

    def call(self, prepared: tuple[str, dict[str, Any]]) -> None:
        """Log what was prepared."""
        self._logfire.info(prepared[0], **prepared[1])

    def send(self, number: int) -> None:
        """Make the message of this number and log it."""
        self.call(self.prepare(number))

    def flush(self) -> None:
        """Wait until all is acknowledged."""
        self._logfire.force_flush(120_000)

    def close(self) -> None:
        """Flush and end."""
        self._logfire.shutdown(120_000)


def logs_http(opening: Opening) -> Sender:
    """Open Logfire."""
    return LogfireSender(opening)
