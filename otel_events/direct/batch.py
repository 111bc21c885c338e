"""What an exporter needs of the place where records wait: batches, and being told what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from otel_events.direct.answers import Answer
from otel_events.direct.envelope import Envelope


class Batch(Protocol):
    """Records that were taken out and are under way.

    Attributes:
        bodies: Encoded records, each alone or several one after the other.
        count: How many records that is.
        envelope: Goes around them.
    """

    bodies: Sequence[bytes]
    count: int
    envelope: Envelope

    def records(self) -> Sequence[bytes]:
        """Return them one by one."""

    def sent(self, count: int) -> None:
        """Take note that so many were accepted."""

    def refused(self, bodies: Sequence[bytes], count: int, answer: Answer) -> bool:
        """Take note that these records were not, or that some of them were not; say whether they are kept all the same."""

    def end(self) -> None:
        """Take note that each of them was sent or refused."""


class Source(Protocol):
    """Where records wait."""

    @property
    def unsettled(self) -> int:
        """Records that wait or are under way."""

    @property
    def has_enough(self) -> bool:
        """Whether enough waits for one more request, once one has been made."""

    def take(self, max_records: int, max_bytes: int) -> Batch | None:
        """Take out the oldest, at least one if there is one, up to these bounds."""

    def wait(self, seconds: float) -> None:
        """Wait until there is enough for a request, until ``wake`` is called, or for so many seconds."""

    def wake(self) -> None:
        """End a ``wait`` now."""

    def abandon(self, seconds: float) -> int:
        """Take note that nothing is sent any more, within so many seconds, and return how many records are lost by that."""
