"""A pipeline that is chosen at the first event, when it is known what the application has set up itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from otel_events.listener import Pipeline
from otel_events.outcome import Outcome, Receipt
from otel_events.stamp import Stamp


class ChosenPipeline:
    """Chosen once, and kept.

    Args:
        choose: Makes the pipeline.
    """

    def __init__(self, choose: Callable[[], Pipeline]) -> None:
        self._choose = choose
        # Reentrant, because signals and the garbage collector may run code that tracks an event, here as everywhere.
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._pipeline: Pipeline | None = None
        self._closed = False

    def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
        """Take an event."""
        pipeline = self._pipeline or self._chosen()
        # From now on events go there without a detour.
        self.accept = pipeline.accept  # type: ignore[method-assign] # the same method of another
        return pipeline.accept(event, stamp)

    def flush(self, timeout: float) -> Outcome:
        """Send what waits, within ``timeout`` seconds."""
        return Outcome(0, 0, 0) if self._pipeline is None else self._pipeline.flush(timeout)

    def shutdown(self, timeout: float) -> Outcome:
        """Flush and end, within ``timeout`` seconds. Events that come later are counted by whatever is chosen then."""
        self._closed = True
        return Outcome(0, 0, 0) if self._pipeline is None else self._pipeline.shutdown(timeout)

    def stats(self) -> Mapping[str, Any]:
        """Return the counts of what was chosen."""
        return {} if self._pipeline is None else self._pipeline.stats()

    def healthy(self) -> bool:
        """Tell whether it is well."""
        return self._pipeline is None or self._pipeline.healthy()

    def _chosen(self) -> Pipeline:
        if self._pid != os.getpid():
            # Another thread of the parent may have held the lock at the fork; it is not here to give it back.
            self._pid, self._lock = os.getpid(), threading.RLock()
        with self._lock:
            if self._pipeline is None:
                chosen = self._choose()
                self._pipeline = self._pipeline or chosen  # An event in between may have chosen already.
                if self._closed:
                    self._pipeline.shutdown(0.0)
            return self._pipeline
