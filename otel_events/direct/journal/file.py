"""One file of a journal: groups of encoded records, each on disk when ``append`` returns, and dead letters."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from otel_events.direct.journal.database import Database, Totals
from otel_events.direct.journal.recent import Recent
from otel_events.direct.journal.rows import DeadLetter, Group, records_of
from otel_events.direct.journal.schema import JournalDamagedError, JournalFullError, make, open_existing, told

__all__ = ["DeadLetter", "Group", "JournalDamagedError", "JournalFile", "JournalFullError", "records_of"]

_ADD: Final = "INSERT INTO groups (id, at_ns, count, body) VALUES (?, ?, ?, ?)"


class JournalFile:
    """A queue in a SQLite file. It belongs to one process and is made by ``create`` or ``open``.

    All methods may be called from any thread. They raise ``JournalError`` where the disk or the file does not let them, and
    have changed nothing then; once it does, they work again.

    Args:
        path: The file.
        connection: The connection to it.
        max_bytes: Nothing is appended beyond so many bytes.

    Attributes:
        path: The file.
        request: An ``ExportLogsServiceRequest`` without records: the resource and the scope under which these are sent.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._database = Database(path, connection)
        with self._database.using():
            row = connection.execute("SELECT request FROM envelope").fetchone()
            if row is None:
                raise JournalDamagedError(f"the journal {path} is damaged: a row is missing in it.")
            self.request: bytes = row[0]
            self._last_id = self._database.totals.last_id
            self._recent = Recent(self._next_id(self._database.totals))

    @classmethod
    def create(cls, path: Path, request: bytes, *, max_bytes: int) -> JournalFile:
        """Make a file, readable and writable by its owner alone.

        Args:
            path: The file, which must not be there.
            request: An ``ExportLogsServiceRequest`` without records.
            max_bytes: Nothing is appended beyond so many bytes.

        Raises:
            JournalError: It cannot be made.
        """
        return cls._of(path, make(path, request), max_bytes)

    @classmethod
    def open(cls, path: Path, *, max_bytes: int = 0) -> JournalFile:
        """Open a file that is there.

        Args:
            path: The file.
            max_bytes: Nothing is appended beyond so many bytes.

        Raises:
            JournalDamagedError: It is no journal.
            JournalError: It cannot be opened, or is of another version, or of another program. It is left as it was.
        """
        return cls._of(path, open_existing(path), max_bytes)

    @classmethod
    def _of(cls, path: Path, connection: sqlite3.Connection, max_bytes: int) -> JournalFile:
        try:
            return cls(path, connection, max_bytes)
        except BaseException:
            connection.close()
            raise

    @property
    def records(self) -> int:
        """How many records are in it, dead letters apart."""
        return self._database.totals.records

    @property
    def size_bytes(self) -> int:
        """Bytes of the records and dead letters in it."""
        return self._database.totals.size_bytes

    @property
    def dead_letters(self) -> int:
        """How many dead letters are in it."""
        return self._database.totals.dead_letters

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest group in it was appended: nanoseconds since 1970 UTC; None where there is none."""
        return self._database.totals.oldest_ns

    def refresh(self) -> None:
        """Count again what another process may have changed meanwhile, as every method that writes does."""
        self._database.refresh()

    def append(self, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        """Add groups. They are on disk, synced, when this returns.

        Args:
            groups: For each, its records as in ``Group.body``, and how many they are.

        Returns:
            Their ids.

        Raises:
            JournalFullError: They would be more than ``max_bytes``.
            JournalDamagedError: The file is malformed.
            JournalError: The disk does not take them.
        """
        ids: list[int] = []
        size = sum(len(body) for body, _ in groups)
        now = time.time_ns()

        def add(connection: sqlite3.Connection, totals: Totals) -> None:
            if totals.size_bytes + size > self._max_bytes:
                raise JournalFullError(
                    f"the journal {self.path} is full: it holds {totals.size_bytes} bytes and may hold {self._max_bytes}. "
                    "Look whether what it holds is sent, or have it hold more: journal_bytes.",
                    self._max_bytes - totals.size_bytes,
                )
            for body, count in groups:
                # Not taken back when this fails: whoever has read up to an id must not miss what has the same one later.
                self._last_id += 1
                ids.append(self._last_id)
                connection.execute(_ADD, (self._last_id, now, count, body))
                self._recent.append(Group(self._last_id, body, count))
                totals.records += count
            totals.size_bytes += size
            totals.last_id = self._last_id
            if groups and totals.oldest_ns is None:
                totals.oldest_ns = now

        with self._recent:
            self._database.add(add)
        return ids

    def read(self, after_id: int, max_records: int, max_bytes: int) -> list[Group]:
        """Return the oldest groups after one, at least one if there is one, up to these bounds."""
        with self._database.using() as connection:
            # What an append is about, that fails in the end, is not in the file.
            recent = self._recent.read(after_id, self._database.totals.last_id, max_records, max_bytes)
            if recent is not None:
                return recent
            sizes = connection.execute(
                "SELECT id, count, length(body) FROM groups WHERE id > ? ORDER BY id LIMIT ?",
                (after_id, max(max_records, 1)),
            ).fetchall()
            last_id = after_id
            for index, (number, count, size) in enumerate(sizes):
                max_records -= count
                max_bytes -= size
                if index and (max_records < 0 or max_bytes < 0):
                    break
                last_id = number
            rows = connection.execute(
                "SELECT id, body, count FROM groups WHERE id > ? AND id <= ? ORDER BY id", (after_id, last_id)
            )
            return [Group(*row) for row in rows]

    def settle(self, first_id: int, last_id: int, dead: Sequence[DeadLetter] = ()) -> None:
        """Remove the groups from one to another, and add what became dead letters of them, at once.

        This is not synced by itself: where a power cut undoes it, the records are sent twice, and none is lost.
        """
        bounds = (first_id, last_id)

        def remove(connection: sqlite3.Connection, totals: Totals) -> None:
            count, size = connection.execute(
                "SELECT coalesce(sum(count), 0), coalesce(sum(length(body)), 0) FROM groups WHERE id BETWEEN ? AND ?",
                bounds,
            ).fetchone()
            connection.execute("DELETE FROM groups WHERE id BETWEEN ? AND ?", bounds)
            totals.records -= count
            totals.size_bytes -= size
            _add(connection, totals, dead)
            self._recent.settle(first_id, last_id, self._next_id(totals))

        with self._recent:
            self._database.remove(remove)

    def dead_letters_page(self, after_id: int, limit: int) -> list[DeadLetter]:
        """Return the dead letters after one, in the order of their ids, at most so many."""
        with self._database.using() as connection:
            rows = connection.execute(
                "SELECT id, request, count, reason, at_ns, possibly_delivered FROM dead_letters "
                "WHERE id > ? ORDER BY id LIMIT ?",
                (after_id, limit),
            )
            return [
                DeadLetter(number, request, count, reason, at_ns, bool(possibly_delivered))
                for number, request, count, reason, at_ns, possibly_delivered in rows
            ]

    def add_dead_letters(self, dead: Sequence[DeadLetter]) -> None:
        """Add dead letters. They are on disk, synced, when this returns."""
        self._database.add(lambda connection, totals: _add(connection, totals, dead))

    def remove_dead_letters(self, ids: Sequence[int]) -> int:
        """Remove dead letters, without a sync as ``settle``, and return how many there were of these."""
        sizes: list[int] = []

        def remove(connection: sqlite3.Connection, totals: Totals) -> None:
            for number in ids:
                query = "SELECT length(request) FROM dead_letters WHERE id = ?"
                if (row := connection.execute(query, (number,)).fetchone()) is not None:
                    connection.execute("DELETE FROM dead_letters WHERE id = ?", (number,))
                    sizes.append(row[0])
            totals.dead_letters -= len(sizes)
            totals.size_bytes -= sum(sizes)

        self._database.remove(remove)
        return len(sizes)

    def _next_id(self, totals: Totals) -> int | None:
        """Return the id of the next group where the file has none, else None."""
        return None if totals.records else self._last_id + 1

    def close(self, seconds: float = -1) -> bool:
        """Close the file, once nobody uses it: what is appended until then is in it.

        Doing it twice, or in a forked child, does nothing.

        Args:
            seconds: How long to wait for that; -1 for as long as it takes.

        Returns:
            Whether it is closed.
        """
        return self._database.close(seconds)

    def delete(self) -> None:
        """Close the file and delete it. In a forked child this does nothing."""
        self._database.close()
        if not self._database.foreign:
            with told(self.path):
                remove_files(self.path)

    def leave_alone(self) -> None:
        """In a forked child: never touch it, and never have it closed. Every fork from Python does this by itself."""
        self._database.leave_alone()


def remove_files(path: Path) -> None:
    """Delete the database and what SQLite has beside it, as far as it is there."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _add(connection: sqlite3.Connection, totals: Totals, dead: Sequence[DeadLetter]) -> None:
    connection.executemany(
        "INSERT INTO dead_letters (request, count, reason, at_ns, possibly_delivered) VALUES (?, ?, ?, ?, ?)",
        [letter[1:] for letter in dead],
    )
    totals.dead_letters += len(dead)
    totals.size_bytes += sum(len(letter.request) for letter in dead)
