"""Sending what processes have left behind in a journal, now, and not when the next process of the application comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from otel_events.direct.answers import Answer, Kind
from otel_events.direct.envelope import Envelope
from otel_events.direct.exporter import Exporter
from otel_events.direct.journal.batch import JournalBatch
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import DeadLetter, Group, JournalDamagedError, JournalFile
from otel_events.direct.opened import transport_of
from otel_events.exceptions import JournalError
from otel_events.settings import Settings

_TURN_SECONDS: Final = 0.1


class Orphans:
    """The files of a directory that nobody owns, for an exporter: one after the other, each until it is empty.

    Args:
        directory: The directory.

    Attributes:
        finished: Set when nothing more is to be taken.
        dead: Records that became dead letters.
        problem: What is wrong with the journal, or None.
    """

    def __init__(self, directory: JournalDirectory) -> None:
        self.finished = threading.Event()
        self.dead = 0
        self.problem: str | None = None
        self._directory = directory
        self._found = directory.orphans()
        self._file: JournalFile | None = None
        self._under_way = 0

    @property
    def unsettled(self) -> int:
        """Records that are under way; the others can wait."""
        return self._under_way

    def take(self, max_records: int, max_bytes: int) -> JournalBatch | None:
        """Give the next records up to these bounds."""
        try:
            while not self.finished.is_set() and (file := self._file or next(self._found, None)) is not None:
                self._file = file
                try:
                    if groups := file.read(0, max_records, max_bytes):
                        batch = JournalBatch(self._settled, file, _envelope_of(file), groups)
                        self._under_way = batch.count
                        return batch
                except JournalDamagedError as error:
                    self._file = None
                    self._directory.set_aside(file, error)
                    continue
                self._release(-1)
        except JournalError as error:
            self.problem = str(error)
        self.finished.set()
        return None

    @property
    def has_enough(self) -> bool:
        """Whatever is left is sent without a wait."""
        return True

    def wait(self, seconds: float) -> None:
        """Wait so many seconds; there is nothing that would come meanwhile."""
        self.finished.wait(seconds)

    def wake(self) -> None:
        """Nothing waits for long."""

    def end(self, *, at_once: bool) -> None:
        """Have nothing more taken.

        Args:
            at_once: What is under way is not waited for either.
        """
        self.finished.set()
        if at_once:
            self._under_way = 0

    def abandon(self, seconds: float) -> int:
        """Give back the file that is being sent; one with nothing in it is deleted."""
        self._release(seconds)
        return 0

    def _release(self, seconds: float) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._directory.release(file, seconds)

    def _settled(self, file: JournalFile, groups: Sequence[Group], dead: Sequence[DeadLetter]) -> None:
        try:
            file.settle(groups[0].id, groups[-1].id, dead)
            self.dead += sum(letter.count for letter in dead)
        except JournalError as error:
            # What was sent would be sent again and again.
            self.problem = str(error)
            self.finished.set()
        self._under_way = 0


class Replay:
    """Sends what is in the files of a directory that nobody owns.

    Args:
        directory: The directory.
        settings: Where to, and in batches of what size.

    Attributes:
        trouble: What the server said when it did not take records, as long as it does not.
    """

    def __init__(self, directory: JournalDirectory, settings: Settings) -> None:
        self.trouble: Answer | None = None
        self._timeout_seconds = settings.logs.timeout_seconds
        self._orphans = Orphans(directory)
        self._exporter = Exporter(
            self._orphans,
            transport_of(settings),
            batch_records=settings.queue.batch_records,
            batch_bytes=settings.queue.batch_bytes,
            delay_seconds=_TURN_SECONDS,
            on_answer=self._see,
            name="otel-events-replay",
        )

    @property
    def sent(self) -> int:
        """Records that were accepted."""
        return self._exporter.sent

    @property
    def dead(self) -> int:
        """Records that were not, and are dead letters."""
        return self._orphans.dead

    @property
    def problem(self) -> str | None:
        """What is wrong with the journal, or None."""
        return self._orphans.problem

    def run(self, patience_seconds: float, stopped: threading.Event, on_turn: Callable[[], None]) -> None:
        """Send until nothing is left, or until nothing was accepted for too long, or something has to be changed first.

        Args:
            patience_seconds: How long to try while nothing is accepted.
            stopped: Ends it as well.
            on_turn: Called several times a second.
        """
        self._exporter.start()
        settled, since = 0, time.monotonic()
        while not self._orphans.finished.wait(_TURN_SECONDS) and not stopped.is_set():
            on_turn()
            if (now_settled := self.sent + self.dead) != settled:
                settled, since = now_settled, time.monotonic()
            in_vain = self.trouble is not None and self.trouble.kind is Kind.HOLD
            if in_vain or time.monotonic() - since > patience_seconds:
                break
        # What is under way may still be answered, unless nothing is answered well just now.
        self._orphans.end(at_once=self.trouble is not None)
        self._exporter.shutdown(self._timeout_seconds + 1.0)
        on_turn()

    def _see(self, answer: Answer) -> None:
        self.trouble = None if answer.kind in (Kind.ACCEPTED, Kind.PARTIAL) else answer


def _envelope_of(file: JournalFile) -> Envelope:
    try:
        return Envelope.of_request(file.request)
    except ValueError as error:
        raise JournalDamagedError(
            f"the journal {file.path} is damaged: of what its records are told with, {error}."
        ) from error
