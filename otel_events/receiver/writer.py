"""The one thread that writes to the database: batches that wait together are committed together."""

from __future__ import annotations

import collections
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Final, NamedTuple

from otel_events.receiver.insertion import Added, Insertion
from otel_events.receiver.rows import Rows
from otel_events.receiver.upkeep import Upkeep

_GROUP_ROWS: Final = 10_000
"""After so many rows a group is committed, also where more batches wait."""

_logger = logging.getLogger("otel_events")


class _Batch(NamedTuple):
    pieces: Iterable[Rows]
    future: Future[Added]


class Writer:
    """Stores batches in the order in which they come.

    A commit waits for the disk, whatever its size. So all batches that came while it waited make up the next one: many
    small requests do not cost one wait each. A batch that fails is undone alone.
    """

    def __init__(self, connection: sqlite3.Connection, upkeep: Upkeep, on_commit: Callable[[int], None]) -> None:
        """Start the thread.

        Args:
            connection: The connection; only the thread uses it until :meth:`close` has returned.
            upkeep: Done between batches.
            on_commit: Called with the greatest id of the events that were stored, before anybody hears of them.
        """
        self._connection = connection
        self._upkeep = upkeep
        self._on_commit = on_commit
        self._batches: collections.deque[_Batch] = collections.deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="otel-events-receiver-store", daemon=True)
        self._thread.start()

    def submit(self, pieces: Iterable[Rows]) -> Future[Added]:
        """Have a batch stored.

        Args:
            pieces: Its rows. The thread iterates over them, within a transaction.

        Returns:
            Done when all of it is on disk. Failed, and then none of it is, with ``sqlite3.Error`` where the database
            cannot take it, and with whatever the pieces raise.
        """
        batch = _Batch(pieces, Future())
        with self._wake:
            if self._closing:
                batch.future.set_exception(sqlite3.ProgrammingError("the store is closed"))
                return batch.future
            self._batches.append(batch)
            self._wake.notify()
        return batch.future

    def close(self) -> None:
        """Store what was submitted, and end. Doing it twice is harmless."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._wait():
            if self._batches:
                self._store_group()
            try:
                self._upkeep.run()
            except sqlite3.Error as error:
                _logger.warning("The upkeep of the database is put off: %s", error)
                self._upkeep.postpone()
        with contextlib.suppress(sqlite3.Error):
            self._upkeep.catch_up()

    def _wait(self) -> bool:
        """Wait for a batch or for upkeep to be due; say whether to go on."""
        with self._wake:
            self._wake.wait_for(lambda: self._batches or self._closing, self._upkeep.wait_seconds())
            return bool(self._batches) or not self._closing

    def _store_group(self) -> None:
        """Store batches in one transaction, as long as there are some and it is not too large."""
        stored: list[tuple[Future[Added], Insertion]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            # The next ones would wait as long for nothing.
            self._fail([self._batches.popleft().future for _ in range(len(self._batches))], error)
            return
        try:
            while self._batches and sum(insertion.rows for _, insertion in stored) < _GROUP_ROWS:
                batch = self._batches.popleft()
                if not batch.future.set_running_or_notify_cancel():
                    continue
                insertion = self._store(batch) if stored else self._store_first(batch)
                if insertion is not None:
                    stored.append((batch.future, insertion))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._fail([future for future, _ in stored], error)
            return
        self._upkeep.changed([insertion for _, insertion in stored])
        self._on_commit(max((insertion.newest_id for _, insertion in stored), default=0))
        for future, insertion in stored:
            future.set_result(insertion.added)

    def _store_first(self, batch: _Batch) -> Insertion | None:
        """Store a batch in a transaction that has nothing else; None where that failed and the transaction was begun anew.

        Most batches are alone, and a savepoint has SQLite write down each page as it was.

        Raises:
            sqlite3.Error: It was undone, and cannot be begun anew.
        """
        insertion = Insertion(self._connection)
        try:
            for rows in batch.pieces:
                insertion.add(rows)
        except Exception as error:
            batch.future.set_exception(error.with_traceback(None))  # As in :meth:`_store`.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")
            return None
        return insertion

    def _store(self, batch: _Batch) -> Insertion | None:
        """Store a batch as a part of the transaction; None where that failed and only it was undone.

        Raises:
            sqlite3.Error: The whole transaction was undone.
        """
        insertion = Insertion(self._connection)
        try:
            self._connection.execute("SAVEPOINT batch")
            for rows in batch.pieces:
                insertion.add(rows)
            self._connection.execute("RELEASE batch")
        except Exception as error:
            # The frames of its traceback hold the batch, which holds the future, which holds the error: a ring that the
            # batch, which may be large, would stay in until the garbage collector comes.
            batch.future.set_exception(error.with_traceback(None))
            if not self._connection.in_transaction:
                # SQLite gives up all of it where the disk is full.
                raise sqlite3.OperationalError(f"the transaction was undone: {error}") from error
            self._connection.execute("ROLLBACK TO batch")
            self._connection.execute("RELEASE batch")
            return None
        return insertion

    @staticmethod
    def _fail(futures: list[Future[Added]], error: sqlite3.Error) -> None:
        for future in futures:
            if future.running() or future.set_running_or_notify_cancel():
                future.set_exception(error)
