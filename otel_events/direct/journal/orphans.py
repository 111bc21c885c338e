"""Files of processes that are no more, while this one sends what is in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import JournalFile
from otel_events.exceptions import JournalError

ADOPT_EVERY_SECONDS: Final = 30.0
MAX_ADOPTED: Final = 64
"""So many files are adopted at once at most; others have their turn when these are done."""


class Orphans:
    """Adopts such files now and then.

    Args:
        directory: Where they are.
        excluded: Files in it to leave alone.
        say: Told what cannot be done.

    Attributes:
        files: Those adopted, oldest first.
        adopted: How many records were found in them.
    """

    def __init__(
        self, directory: JournalDirectory, excluded: frozenset[Path], say: Callable[[JournalError], None]
    ) -> None:
        self.files: list[JournalFile] = []
        self.adopted = 0
        self._directory = directory
        self._excluded = excluded
        self._say = say
        self._at = 0.0

    def adopt(self) -> None:
        """Take over what has no owner, if it is time to look."""
        now = time.monotonic()
        if now < self._at or not self._directory.path.is_dir():
            return
        self._at = now + ADOPT_EVERY_SECONDS
        try:
            found = list(islice(self._directory.orphans(self._excluded), MAX_ADOPTED - len(self.files)))
        except JournalError as error:
            self._say(error)
            return
        self.adopted += sum(file.records for file in found)
        self.files += found

    def finish(self, file: JournalFile, own: Callable[[], JournalFile]) -> None:
        """Be done with a file whose records are all sent.

        Args:
            file: One of ``files``.
            own: Gives this process's own file, which takes over its dead letters.
        """
        try:
            if file.dead_letters:
                self._directory.adopt_dead_letters(file, own())
            self.files.remove(file)
            self._directory.release(file)
        except JournalError as error:
            self._say(error)
        if not self.files:
            self._at = 0.0  # There may be more.
