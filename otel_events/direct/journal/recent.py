"""What was appended to a file a moment ago, kept in memory so that it need not be read again to be sent."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from otel_events.direct.journal.rows import Group

MAX_BYTES: Final = 16 * 1024 * 1024
"""So many bytes are kept; a file with more in it is read."""


class Recent:
    """The groups of a file, as long as all that are in it are known here. Whenever they may not be, nothing is known.

    Args:
        next_id: The id that is appended next to the file, where nothing is in it now; None where something is.
    """

    def __init__(self, next_id: int | None) -> None:
        self._lock = threading.Lock()
        self._groups: deque[Group] = deque()
        self._bytes = 0
        self._next_id = next_id

    def __enter__(self) -> None:
        """Begin a change of the file."""

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        """Know nothing any more where the change has failed."""
        if kind is not None:
            with self._lock:
                self._forget(None)

    def append(self, group: Group) -> None:
        """Take note of a group that is in the file once a transaction is through."""
        with self._lock:
            self._bytes += len(group.body)
            if group.id != self._next_id or self._bytes > MAX_BYTES:
                self._forget(None)
            else:
                self._groups.append(group)
                self._next_id += 1

    def read(self, after_id: int, last_id: int, max_records: int, max_bytes: int) -> list[Group] | None:
        """Return what ``JournalFile.read`` does, but none after ``last_id``; None where that is not known."""
        with self._lock:
            if self._next_id is None:
                return None
            found: list[Group] = []
            for group in self._groups:
                if group.id <= after_id:
                    continue
                if group.id > last_id:
                    break
                max_records -= group.count
                max_bytes -= len(group.body)
                if found and (max_records < 0 or max_bytes < 0):
                    break
                found.append(group)
            return found

    def settle(self, first_id: int, last_id: int, next_id: int | None) -> None:
        """Take note that the groups from one to another are not in the file once a transaction is through.

        Args:
            first_id: Of the first.
            last_id: Of the last.
            next_id: As for a new object.
        """
        with self._lock:
            if next_id is not None:
                self._forget(next_id)
            elif self._groups and first_id > self._groups[0].id:
                self._forget(None)
            while self._groups and self._groups[0].id <= last_id:
                self._bytes -= len(self._groups.popleft().body)

    def _forget(self, next_id: int | None) -> None:
        self._groups.clear()
        self._bytes, self._next_id = 0, next_id
