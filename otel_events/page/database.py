"""Questions to the database: on read-only connections, and each with a bound on its time."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Final, TypeVar

from otel_events.receiver.schema import BUSY_TIMEOUT_SECONDS

T = TypeVar("T")

DEFAULT_MAX_SECONDS: Final = 10.0

nobody_waits: ContextVar[threading.Event | None] = ContextVar("nobody_waits", default=None)
"""Set when whoever asked is gone: what is then asked in this context is ended."""

_CACHE_KIB: Final = 12 * 1024
_STEPS_BETWEEN_LOOKS: Final = 500_000
"""Steps of SQLite's virtual machine, about 20 ms of them. Each look at the clock takes the interpreter's lock, for which a
question waits while the receiver is busy; in between it needs none."""


class TooSlowError(Exception):
    """A question took longer than it may, or nobody waits for its answer any more."""


class Database:
    """Answers questions, from any thread, as many at once as threads ask."""

    def __init__(self, path: Path, *, max_seconds: float = DEFAULT_MAX_SECONDS) -> None:
        """Make it, without a connection yet.

        Args:
            path: A database that is there.
            max_seconds: How long one question may take.
        """
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self._max_seconds = max_seconds
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Ask one question, whose statements all see the same state of the database.

        Args:
            question: Gets a connection with :class:`sqlite3.Row` rows and returns the answer.

        Returns:
            What the question returns.

        Raises:
            TooSlowError: It took longer than it may, or :data:`nobody_waits`.
            sqlite3.Error: The database cannot be read.
        """
        connection = self._connection()
        try:
            deadline, gone = time.monotonic() + self._max_seconds, nobody_waits.get()
            connection.set_progress_handler(
                lambda: time.monotonic() > deadline or (gone is not None and gone.is_set()), _STEPS_BETWEEN_LOOKS
            )
            connection.execute("BEGIN")
            answer = question(connection)
            connection.execute("ROLLBACK")
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError) and "interrupted" in str(error):
                raise TooSlowError(
                    f"This took longer than {self._max_seconds:g} s and was ended. Narrow it: a shorter time, or a "
                    "name, an actor or a service beside what you look for."
                ) from error
            raise
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return answer
        connection.close()
        return answer

    def close(self) -> None:
        """Close the connections, those in use when their question is answered. Doing it twice is harmless."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        with self._lock, contextlib.suppress(IndexError):
            return self._idle.pop()
        connection = sqlite3.connect(
            self._uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        for pragma in ("query_only = ON", f"cache_size = -{_CACHE_KIB}", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection
