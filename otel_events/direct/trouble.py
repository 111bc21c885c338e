"""Saying, once, that delivery is in trouble, and that it is well again."""

from __future__ import annotations

import logging
from typing import Final

from otel_events.diagnosis import Seen, diagnose
from otel_events.direct.answers import Answer, Kind
from otel_events.settings.otlp import OtlpSettings

_logger = logging.getLogger("otel_events")

_FINE: Final = (Kind.ACCEPTED, Kind.PARTIAL)


class Trouble:
    """Looks at every answer. A line is logged for each kind of failure, once until records arrive again.

    Args:
        otlp: How records are exported.
    """

    def __init__(self, otlp: OtlpSettings) -> None:
        self.now: str | None = None
        self._otlp = otlp
        self._said: set[object] = set()

    def see(self, answer: Answer) -> None:
        """Take note of an answer."""
        if answer.kind in _FINE:
            if answer.kind is Kind.PARTIAL:
                self._say(
                    "rejected",
                    f"log records arrive at {self._otlp.shown_endpoint}, but the server rejects some of what it is sent "
                    f"({answer.detail or 'without a reason'}). Look at the log of the server.",
                )
            if self.now is not None:
                self.now = None
                self._said.clear()
                _logger.warning("log records arrive again at %s.", self._otlp.shown_endpoint)
            return
        diagnosis = diagnose("logs", self._otlp, Seen(answer.code, answer.detail))
        self.now = (
            f"log records do not arrive at {self._otlp.shown_endpoint} ({self._otlp.protocol}): "
            f"{diagnosis.cause}. {diagnosis.cure}"
        )
        self._say(diagnosis.rank, self.now)

    def _say(self, kind: object, sentence: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            _logger.warning("%s Said once; records wait, as many as fit, and stats() counts what is lost.", sentence)
