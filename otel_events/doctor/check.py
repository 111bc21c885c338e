"""One thing that was looked at, and what was found."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Mark(enum.Enum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


class Check(NamedTuple):
    """One line of the doctor's.

    Args:
        mark: How it came out. A note is worth knowing and no failure.
        signals: What it is about: ``logs``, ``traces``, or both.
        what: What was looked at, in a word or two.
        seen: What was seen.
        change: What to change, where something is to be changed.
        hop: Between whom the canary, or a part of it, got lost: one of the constants here, or "".
    """

    mark: Mark
    signals: tuple[str, ...]
    what: str
    seen: str
    change: str = ""
    hop: str = ""

    @property
    def result(self) -> str:
        """What was seen and what to change, in one line."""
        if not self.change:
            return self.seen
        return f"{self.seen}{'' if self.seen.endswith(('.', '?')) else '.'} {self.change}"


TO_COLLECTOR: Final = "application → collector"
WITHIN_COLLECTOR: Final = "collector"
TO_BACKEND: Final = "collector → backend"
BEHIND_COLLECTOR: Final = "collector or collector → backend"
