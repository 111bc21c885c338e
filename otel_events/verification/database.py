"""Reading the database of the embedded receiver, which ``otel-events view`` writes; it may be writing at the same time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from otel_events import semconv
from otel_events.exceptions import VerificationError
from otel_events.verification.record import MAX_NAME_CHARACTERS, Record, as_text

MAGIC: Final = b"SQLite format 3\0"
"""How SQLite's files begin."""

_QUERY: Final = """
SELECT coalesce(service, ''), coalesce(service_instance, ''), coalesce(uid, ''),
  CASE WHEN uid IS NULL AND name = ? THEN attributes END
FROM events WHERE signal = 'log' AND scope = ?
"""


class Database:
    """The database of the embedded receiver. It holds one row for each uid, so it has no duplicates.

    Args:
        path: The file.
    """

    notes = ()

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        """The path."""
        return str(self._path)

    def records(self) -> Iterator[Record]:
        """Yield its log records that have the scope of this package.

        Raises:
            VerificationError: It cannot be read, or is of another program or version.
        """
        from otel_events.receiver.schema import APPLICATION_ID, READABLE_VERSIONS, reading  # It loads a web server.

        try:
            with reading(self._path) as connection:
                [application] = connection.execute("PRAGMA application_id").fetchone()
                [version] = connection.execute("PRAGMA user_version").fetchone()
                if application != APPLICATION_ID or version not in READABLE_VERSIONS:
                    raise VerificationError(
                        f"{self.where!r} is a SQLite database, but not of otel-events view, or of another version of it"
                    )
                rows = connection.execute(_QUERY, (semconv.CHECKPOINT, semconv.SCOPE_NAME))
                for service, instance, uid, checkpoint in rows:
                    yield Record(service[:MAX_NAME_CHARACTERS], instance[:MAX_NAME_CHARACTERS], uid, _texts(checkpoint))
        except sqlite3.Error as error:
            raise VerificationError(f"{self.where!r} cannot be read: {error}") from error


def _texts(attributes: str | None) -> dict[str, str] | None:
    """Return attributes as texts; none where they are not what a receiver writes."""
    if attributes is None:
        return None
    try:
        return {key: as_text(value) for key, value in json.loads(attributes).items()}
    except (ValueError, AttributeError, RecursionError):
        return {}
