"""What the files of a journal hold, for whoever looks on: nothing is adopted, sent or set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from otel_events.direct.journal.directory import JournalDirectory
from otel_events.exceptions import JournalError


@dataclass(frozen=True)
class FileState:
    """What one file holds.

    Args:
        path: The file.
        owned: Whether a process that is alive owns it, and sends what is in it.
        records: Records that wait.
        size_bytes: Bytes of them and of the dead letters.
        oldest_ns: When the oldest came: nanoseconds since 1970 UTC; None where there is none.
        dead_letters: How many there are.
        problem: Why nothing can be said of it, or None.
    """

    path: Path
    owned: bool
    records: int = 0
    size_bytes: int = 0
    oldest_ns: int | None = None
    dead_letters: int = 0
    problem: str | None = None


def overview(directory: JournalDirectory) -> Iterator[FileState]:
    """Yield what each file of a directory holds; a directory that is not there has none.

    Raises:
        JournalError: The directory cannot be read.
    """
    if not directory.path.exists():
        return
    for path, owned in directory.files():
        try:
            with directory.visit(path) as (file, held):
                state = FileState(path, held, file.records, file.size_bytes, file.oldest_ns, file.dead_letters)
        except JournalError as error:
            if not path.exists():
                # Whoever owned it is done with it.
                continue
            state = FileState(path, owned, problem=str(error))
        yield state
