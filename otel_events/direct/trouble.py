"""Whether delivery is in trouble: what every answer says of that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from otel_events.diagnosis import Seen, diagnose
from otel_events.direct.answers import Answer, Kind
from otel_events.direct.notices import Notices
from otel_events.settings.otlp import OtlpSettings

_FINE: Final = (Kind.ACCEPTED, Kind.PARTIAL)


class Trouble:
    """Looks at every answer, and has a line logged for each kind of failure until records arrive again.

    Args:
        otlp: How records are exported.
        counts: Says how many records wait and are lost.

    Attributes:
        now: What is wrong, and what to do; None where nothing is.
        last: The latest answer.
        last_error: The latest one that did not accept all that was sent, and when it came; None as long as there was none.
    """

    def __init__(self, otlp: OtlpSettings, counts: Callable[[], str]) -> None:
        self.now: str | None = None
        self.last: str | None = None
        self.last_error: str | None = None
        self._otlp = otlp
        self._notices = Notices(counts)

    def see(self, answer: Answer) -> None:
        """Take note of an answer."""
        self.last = " ".join(str(part) for part in (answer.code, answer.detail) if part)
        if answer.kind is not Kind.ACCEPTED:
            now = dt.datetime.now(dt.timezone.utc)
            self.last_error = f"{now:%Y-%m-%dT%H:%M:%SZ} {self.last}"
        if answer.kind is Kind.BAD_DATA:
            # Which says nothing of other records: they are sent without these.
            self._notices.trouble(
                "refused",
                f"the server at {self._otlp.shown_endpoint} refuses some of the log records that it is sent ({self.last}). They "
                "become dead letters of the journal, or are lost where they wait in memory. Look at the log of the server.",
            )
            return
        if answer.kind in _FINE:
            if answer.kind is Kind.PARTIAL:
                self._notices.trouble(
                    "rejected",
                    f"log records arrive at {self._otlp.shown_endpoint}, but the server rejects some of what it is sent "
                    f"({answer.detail or 'without a reason'}). Look at the log of the server.",
                )
            if self.now is not None:
                self.now = None
                self._notices.over(f"log records arrive again at {self._otlp.shown_endpoint}.")
            return
        diagnosis = diagnose("logs", self._otlp, Seen(answer.code, answer.detail))
        self.now = (
            f"log records do not arrive at {self._otlp.shown_endpoint} ({self._otlp.protocol}): "
            f"{diagnosis.cause}. {diagnosis.cure}"
        )
        self._notices.trouble(diagnosis.rank, self.now)
