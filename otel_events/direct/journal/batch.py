"""Rows of a journal's file while an exporter has them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from otel_events.direct.answers import Answer, Kind
from otel_events.direct.envelope import Envelope
from otel_events.direct.journal.file import DeadLetter, Group, JournalFile, records_of


class JournalBatch:
    """Rows of a file that are under way.

    Args:
        settled: Called at the end with the file, the rows, and what became dead letters of them.
        file: The file.
        envelope: Goes around its records.
        groups: The rows.
    """

    def __init__(
        self,
        settled: Callable[[JournalFile, Sequence[Group], Sequence[DeadLetter]], None],
        file: JournalFile,
        envelope: Envelope,
        groups: Sequence[Group],
    ) -> None:
        self.bodies: Sequence[bytes] = [group.body for group in groups]
        self.count = sum(group.count for group in groups)
        self.envelope = envelope
        self._settled = settled
        self._file = file
        self._groups = groups
        self._dead: list[DeadLetter] = []

    def records(self) -> Sequence[bytes]:
        """Return the records one by one."""
        return [record for body in self.bodies for record in records_of(body)]

    def sent(self, count: int) -> None:
        """They stay in the file until the end of the batch."""

    def refused(self, bodies: Sequence[bytes], count: int, answer: Answer) -> bool:
        """Put these among the dead letters."""
        reason = f"{answer.code}: {answer.detail}" if answer.detail else str(answer.code)
        possibly_delivered = answer.kind is Kind.PARTIAL
        self._dead.append(DeadLetter(0, self.envelope.wrap(bodies), count, reason, time.time_ns(), possibly_delivered))
        return True

    def end(self) -> None:
        """Remove the rows, now that each of their records is sent or among the dead letters."""
        self._settled(self._file, self._groups, self._dead)
