"""The one connection to a file of a journal: used by one thread at a time and one process, in transactions."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from otel_events.direct.journal.schema import FIRST_VERSION, JournalDamagedError, told
from otel_events.exceptions import JournalError

_FORK_WAIT_SECONDS: Final = 1.0

_LARGE_BYTES: Final = 8 * 1024 * 1024
_SMALL_BYTES: Final = 1024 * 1024
"""A file larger than the one, with less in it than the other, gives its space back."""

_ROWS_UNTOLD: Final = 64
"""So many groups at most are after ``last_id``: who opens the file counts them."""

_OLDEST: Final = "(SELECT at_ns FROM groups ORDER BY id LIMIT 1)"
_LAST: Final = "coalesce((SELECT max(id) FROM groups), 0)"

_READ_FIRST: Final = f"SELECT records, size_bytes, dead_letters, {_OLDEST}, {_LAST} FROM totals"  # noqa: S608
_READ: Final = f"""SELECT
  records + coalesce((SELECT sum(count) FROM groups WHERE id > last_id), 0),
  size_bytes + coalesce((SELECT sum(length(body)) FROM groups WHERE id > last_id), 0),
  dead_letters, {_OLDEST}, max(last_id, {_LAST}) FROM totals"""  # noqa: S608
_WRITE_FIRST: Final = "UPDATE totals SET records = ?, size_bytes = ?, dead_letters = ?"
_WRITE: Final = f"{_WRITE_FIRST}, last_id = ?"


@dataclass
class Totals:
    """What a file holds.

    Attributes:
        records: Records in groups.
        size_bytes: Bytes of the bodies of groups and the requests of dead letters.
        dead_letters: How many there are.
        oldest_ns: When the oldest group was appended: nanoseconds since 1970 UTC; None where there is none.
        last_id: The id of the latest group, also where that is no longer there.
    """

    records: int
    size_bytes: int
    dead_letters: int
    oldest_ns: int | None
    last_id: int

    def copy(self) -> Totals:
        """Return the same."""
        return Totals(self.records, self.size_bytes, self.dead_letters, self.oldest_ns, self.last_id)


Change = Callable[[sqlite3.Connection, Totals], None]
"""Changes a file and its totals alike."""


class _Using:
    """Has a database's connection for a block. A generator would do, but would take longer, and it is entered with each write."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        if database.foreign:
            raise JournalError(
                f"the journal {database.path}, opened by process {database.pid}, is used by process {os.getpid()}. "
                "After a fork, make a new one."
            )
        database.lock.acquire()
        return database.connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        self._database.lock.release()
        if error is not None:
            told(self._database.path).__exit__(kind, error, traceback)


class Database:
    """A connection and the totals of what is behind it.

    Args:
        path: The file.
        connection: The connection to it, which nobody else has.

    Attributes:
        lock: Held by who uses the connection.
        connection: As given; for who has the lock.
        pid: The process that opened it.
        totals: What the file holds.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._name = str(path)
        self.lock = threading.Lock()
        self.connection = connection
        self.pid = os.getpid()
        self._doubtful = False
        self._mode = ""
        self._told_id = 0
        with told(path):
            self._inode = path.stat().st_ino
            self._is_first = self._asked("PRAGMA user_version") == FIRST_VERSION
            self._changes = self._asked("PRAGMA data_version")
            self.totals = self._read_totals()
        _opened.add(self)

    @property
    def foreign(self) -> bool:
        """Whether this is another process than the one that opened it."""
        return self.pid != os.getpid()

    def refresh(self) -> None:
        """Read the totals, which another process may have changed."""
        with self.using():
            self._changes = self._asked("PRAGMA data_version")
            self.totals = self._read_totals()

    def using(self) -> _Using:
        """Have the connection for a block.

        Raises:
            JournalError: What goes wrong in the block, or this is another process.
        """
        return _Using(self)

    def add(self, change: Change) -> None:
        """Make a change of the file, and of its totals, as one transaction, which is synced.

        Raises:
            JournalError: As for ``using``; nothing is changed then.
        """
        with self.using():
            self._see_that_it_is_there()
            self._synchronous("FULL")
            self._write_anew()
            self._transact(change)

    def remove(self, change: Change) -> None:
        """Likewise, as a transaction that the next one which is synced takes along."""
        with self.using():
            self._synchronous("NORMAL")
            # On a full disk this may make the room that a removal needs at first.
            with contextlib.suppress(sqlite3.Error, JournalError):
                self._write_anew()
            self._transact(change, is_removal=True)
            if self.totals.size_bytes < _SMALL_BYTES:
                self._give_space_back()

    def close(self, seconds: float = -1) -> bool:
        """Close the connection, once nobody uses it. Doing it twice, or in another process, does nothing.

        Args:
            seconds: How long to wait for that; -1 for as long as it takes.

        Returns:
            Whether it is closed, or another process's.
        """
        if not self.foreign:
            if not self.lock.acquire(timeout=seconds):
                return False
            try:
                with told(self.path):
                    self.connection.close()
            finally:
                self.lock.release()
        return True

    def leave_alone(self) -> None:
        """In a forked child: keep the parent's connection as it is until the process has ended.

        To use it here, or to close it, would tear down what the parent works with (SQLite, "How To Corrupt An SQLite Database
        File", "Carrying an open database across a fork"). Python closes connections that nobody refers to, and at the end all
        of them, unless there seems to be one more reference.
        """
        if not any(connection is self.connection for connection in _left_alone):
            _left_alone.append(self.connection)
            with contextlib.suppress(ImportError, AttributeError):
                import ctypes

                ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.connection))

    def _transact(self, change: Change, *, is_removal: bool = False) -> None:
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            # As long as no other connection has changed something, the file holds what this one knows of.
            changes = self._asked("PRAGMA data_version")
            before = self.totals if changes == self._changes else self._read_totals()
            totals = before.copy()
            change(connection, totals)
            if is_removal:
                totals.oldest_ns = self._asked(f"SELECT {_OLDEST}")
            is_told = is_removal or self._is_first or totals.last_id - self._told_id > _ROWS_UNTOLD
            if is_told or totals.dead_letters != before.dead_letters:
                self._write_totals(totals)
                is_told = True
            connection.execute("COMMIT")
        except BaseException as error:
            self._doubtful = self._doubtful or not isinstance(error, JournalError)
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._changes, self.totals = changes, totals
        if is_told:
            self._told_id = totals.last_id

    def _write_anew(self) -> None:
        """After a failure, have everything in the database proper, synced, and the log begun anew.

        Where a sync has failed, the system may take for written what never was: the next sync of the log would prove nothing
        about what stands before in it.
        """
        if not self._doubtful:
            return
        busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise JournalError(f"the journal {self.path} cannot be used now: another process reads it.")
        self._doubtful = False

    def _give_space_back(self) -> None:
        if self._asked("PRAGMA page_count") * self._asked("PRAGMA page_size") > _LARGE_BYTES:
            # What was to be done is done; room on the disk is not worth failing for.
            with contextlib.suppress(sqlite3.Error):
                self.connection.execute("VACUUM")
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def _see_that_it_is_there(self) -> None:
        try:
            inode = os.stat(self._name).st_ino  # noqa: PTH116 # once a write; a Path costs more than the call
        except FileNotFoundError:
            inode = None
        if inode == self._inode:
            return
        raise JournalDamagedError(f"the journal {self.path} was deleted, or another file was put in its place.")

    def _read_totals(self) -> Totals:
        row = self.connection.execute(_READ_FIRST if self._is_first else _READ).fetchone()
        if row is None:
            raise JournalDamagedError(f"the journal {self.path} is damaged: a row is missing in it.")
        return Totals(*row)

    def _write_totals(self, totals: Totals) -> None:
        values = (totals.records, totals.size_bytes, totals.dead_letters, totals.last_id)
        if self._is_first:
            self.connection.execute(_WRITE_FIRST, values[:3])
        else:
            self.connection.execute(_WRITE, values)

    def _asked(self, question: str) -> Any:
        return self.connection.execute(question).fetchone()[0]

    def _synchronous(self, mode: str) -> None:
        if mode != self._mode:
            self.connection.execute(f"PRAGMA synchronous = {mode}")
            self._mode = mode


_left_alone: Final[list[sqlite3.Connection]] = []
_opened: Final[weakref.WeakSet[Database]] = weakref.WeakSet()
_paused = threading.local()


def _before_fork() -> None:
    """Have no thread inside SQLite at the fork: the child would find what such a thread holds locked for ever."""
    _paused.databases = [database for database in list(_opened) if database.lock.acquire(timeout=_FORK_WAIT_SECONDS)]


def _after_fork_in_parent() -> None:
    # A host such as uWSGI has only those called that are for the child.
    for database in getattr(_paused, "databases", ()):
        database.lock.release()
    _paused.databases = []


def _after_fork_in_child() -> None:
    _after_fork_in_parent()
    for database in list(_opened):
        database.leave_alone()
    _opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
