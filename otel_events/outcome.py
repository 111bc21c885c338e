"""What became of events: the receipt of one, and the counts that ``flush`` and ``shutdown`` return."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Receipt(Protocol):
    """What a hook implementation may return for an event that is not yet where it has to be.

    ``await tracker.track_event(…)`` awaits it, ``tracker.track(…)`` calls ``wait``. Either may raise a ``DeliveryError``, which
    reaches the application.
    """

    def wait(self, timeout: float | None = None) -> Any:
        """Block until the event is where it has to be, or until ``timeout`` seconds have passed."""

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait without blocking the event loop.

        It is awaited as it is, in the task of the caller: it has to bound the wait itself, and where the caller is cancelled,
        it must not withdraw the event.
        """


@dataclass(frozen=True, repr=False)
class Outcome:
    """Counts of events, since the tracker was made. None stands for what an application's own SDK does not tell.

    Args:
        sent: Acknowledged by the collector.
        pending: Still waiting when the call returned.
        lost: Given up, whatever the reason.
        dead_letters: Refused by the collector, and kept in the journal with the reason.
    """

    sent: int | None
    pending: int | None
    lost: int | None
    dead_letters: int | None = 0

    def __repr__(self) -> str:
        rest = f", dead_letters={self.dead_letters}" if self.dead_letters else ""
        return f"Outcome(sent={self.sent}, pending={self.pending}, lost={self.lost}{rest})"

    @classmethod
    def total(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """Add up ``outcomes``; a sum is unknown where one of its parts is."""
        parts = tuple(outcomes)
        return cls(
            *(_sum(getattr(part, name) for part in parts) for name in ("sent", "pending", "lost", "dead_letters"))
        )


def _sum(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
