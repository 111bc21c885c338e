"""Two pipelines for one event: log records by one, span events by the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from otel_events.listener import Pipeline
from otel_events.outcome import Outcome, Receipt
from otel_events.stamp import Stamp


class JoinedPipelines:
    """Gives each event to both. Its promises and counts are those of the first.

    Args:
        first: Takes the event first, and gives the receipt.
        second: Takes it then.
    """

    def __init__(self, first: Pipeline, second: Pipeline) -> None:
        self._first = first
        self._second = second

    def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
        """Take an event."""
        try:
            return self._first.accept(event, stamp)
        finally:
            self._second.accept(event, stamp)

    def flush(self, timeout: float) -> Outcome:
        """Send what waits, within ``timeout`` seconds for both together."""
        deadline = time.monotonic() + timeout
        outcome = self._first.flush(timeout)
        self._second.flush(max(deadline - time.monotonic(), 0.0))
        return outcome

    def shutdown(self, timeout: float) -> Outcome:
        """Flush and end, within ``timeout`` seconds for both together."""
        deadline = time.monotonic() + timeout
        outcome = self._first.shutdown(timeout * 0.8)
        self._second.shutdown(max(deadline - time.monotonic(), 0.0))
        return outcome

    def stats(self) -> Mapping[str, Any]:
        """Return the counts of both."""
        return {**self._second.stats(), **self._first.stats()}

    def healthy(self) -> bool:
        """Tell whether both are well."""
        return self._first.healthy() and self._second.healthy()
