"""The journal as a queue: events of many callers are written together, with one sync, and an exporter takes them out again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from otel_events.direct.envelope import Envelope
from otel_events.direct.journal.batch import JournalBatch
from otel_events.direct.journal.confirms import Confirms
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.entries import Entry, confirms_of, count_fitting, rows_of
from otel_events.direct.journal.file import DeadLetter, Group, JournalDamagedError, JournalFile, JournalFullError
from otel_events.direct.journal.fullness import watch_fullness
from otel_events.direct.journal.inbox import Inbox
from otel_events.direct.journal.orphans import Orphans
from otel_events.direct.notices import Notices
from otel_events.direct.receipts import DeliveryReceipt, resolve
from otel_events.direct.thread import own_thread
from otel_events.exceptions import JournalError


class JournalQueue:
    """Writes events to a file of this process, on a daemon thread; hands them out, and those of processes that are no more.

    Attributes:
        put, try_to_put, attend: Have a record written, as those of ``Inbox``.
        orphans: Files of processes that are no more.
        delivered: Records of this process that were accepted.
        dead: Records of this process that were not, and are dead letters.
        trouble: Why the journal takes no events just now, or None.
        under_way: Records that an exporter has, of any process.

    Args:
        directory: Where the files are.
        envelope: Goes around the events of this process.
        batch_records: The most records in a row of the file.
        batch_bytes: The most bytes.
        on_failure: Called with events that could not be written, and why; it resolves their receipts.
        notices: Says what is in trouble.
        excluded: Files in the directory to leave alone.
    """

    def __init__(
        self,
        directory: JournalDirectory,
        envelope: Envelope,
        *,
        batch_records: int,
        batch_bytes: int,
        on_failure: Callable[[Sequence[Entry], JournalError], None],
        notices: Notices,
        excluded: frozenset[Path] = frozenset(),
    ) -> None:
        self.excluded = excluded
        self.on_confirm: Callable[[], None] = self.wake
        self.trouble: str | None = None
        self.orphans = Orphans(directory, excluded, self._say)
        self.delivered = self.dead = self.under_way = 0
        self._directory = directory
        self._envelope = envelope
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._on_failure = on_failure
        self._notices = notices
        self._own: JournalFile | None = None
        self._unsettled: tuple[JournalFile, int, int, Sequence[DeadLetter]] | None = None
        self._opening = threading.Lock()
        self._left = self._left_own = 0
        self._inbox = Inbox(self._begin_writing, self._refuse)
        self.put, self.try_to_put, self.attend = self._inbox.put, self._inbox.try_to_put, self._inbox.attend
        self._confirms = Confirms()
        self._takeable = threading.Condition()
        self._ended = self._stuck = self._is_woken = False
        self._pid = os.getpid()
        self._writer: threading.Thread | None = None

    @property
    def unsettled(self) -> int:
        """Records that wait, on disk or to be written."""
        return len(self._inbox) + self._left + sum(file.records for file in self._files())

    @property
    def has_enough(self) -> bool:
        """Whether there is a whole batch, or anything of a process that is no more."""
        return not self._stuck and (bool(self.orphans.files) or self._is_own_filled)

    def take(self, max_records: int, max_bytes: int) -> JournalBatch | None:
        """Give the oldest records of a process that is no more, else of this one."""
        if self._unsettled is not None:
            self._settle(*self._unsettled)
        self._stuck = self._unsettled is not None
        if self._ended or self._stuck:
            return None
        self.orphans.adopt()
        for file in list(self._files()):
            try:
                groups = file.read(0, max_records, max_bytes)
                envelope = self._envelope if file is self._own else Envelope.of_request(file.request)
            except (JournalDamagedError, ValueError) as error:
                self._set_aside(file, error)
                continue
            except JournalError as error:
                self._stuck = True
                self._say(error)
                continue
            if groups:
                batch = JournalBatch(self._settled, file, envelope, groups)
                self.under_way = batch.count
                return batch
            if file is not self._own:
                self.orphans.finish(file, lambda: self._opened()[0])
        return None

    def wait(self, seconds: float) -> None:
        """Wait until there is a whole batch, for so many seconds, or until ``wake`` is called, also if it was before."""
        with self._takeable:
            if not self._is_woken and (self._stuck or not self._is_own_filled):
                self._takeable.wait(seconds)
            self._is_woken = False

    def wake(self) -> None:
        """End this ``wait`` now, or the next."""
        with self._takeable:
            self._is_woken = True
            self._takeable.notify_all()

    def abandon(self, seconds: float) -> int:
        """Close the journal. What is in it stays there, for a process to come, and also what is still being written."""
        deadline = time.monotonic() + seconds
        self._ended = True
        self._inbox.close()
        if self._writer is not None and self._writer is not threading.current_thread():
            self._writer.join(seconds)
        self._left_own = self._own.records if self._own is not None else 0
        self._left = sum(file.records for file in self._files())
        files, self._own, self.orphans.files = list(self._files()), None, []
        for file in files:
            try:
                self._directory.release(file, max(deadline - time.monotonic(), 0.0))
            except JournalError as error:
                self._say(error)
        return 0

    @property
    def own_unsettled(self) -> int:
        """Records of this process that wait, on disk or to be written."""
        return len(self._inbox) + (self._left_own if self._own is None else self._own.records)

    @property
    def size_bytes(self) -> int:
        """Bytes of records and dead letters, in all files held here."""
        return sum(file.size_bytes for file in self._files())

    @property
    def dead_letters(self) -> int:
        """Dead letters in all files held here."""
        return sum(file.dead_letters for file in self._files())

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest record was written, in nanoseconds since the Unix epoch."""
        return min((file.oldest_ns for file in self._files() if file.oldest_ns is not None), default=None)

    @property
    def paths(self) -> frozenset[Path]:
        """The files held here, and those that were left alone already."""
        return self.excluded | {file.path for file in self._files()}

    @property
    def _is_own_filled(self) -> bool:
        own = self._own
        return own is not None and own.records >= self._batch_records

    def _files(self) -> Iterator[JournalFile]:
        yield from list(self.orphans.files)
        if (own := self._own) is not None:
            yield own

    def _begin_writing(self) -> None:
        self._writer = own_thread(self._write, "otel-events-journal")
        self._writer.start()

    def _write(self) -> None:
        while (taken := self._inbox.take())[0] and self._pid == os.getpid():
            records, receipts = taken
            try:
                self._append(records, receipts)
            except JournalFullError as full:
                fitting = count_fitting(records, full.room_bytes)
                self._append_or_fail(records[:fitting], receipts[:fitting])
                if rest := list(map(Entry, records[fitting:], receipts[fitting:])):
                    self._fail(rest, full)
            except Exception as error:
                self._fail_all(records, receipts, error)
            self._inbox.settle()

    def _append_or_fail(self, records: Sequence[bytes], receipts: Sequence[DeliveryReceipt]) -> None:
        try:
            if records:
                self._append(records, receipts)
        except Exception as error:
            self._fail_all(records, receipts, error)

    def _fail_all(self, records: Sequence[bytes], receipts: Sequence[DeliveryReceipt], error: Exception) -> None:
        failed = error if isinstance(error, JournalError) else JournalError(f"{error}")
        self._fail(list(map(Entry, records, receipts)), failed)

    def _refuse(self, entries: Sequence[Entry]) -> None:
        self._fail(entries, JournalError("the journal is closed, or its disk takes too long. Look at the disk."))

    def _append(self, records: Sequence[bytes], receipts: Sequence[DeliveryReceipt]) -> None:
        rows = rows_of(records, self._batch_records, self._batch_bytes)
        ids, confirms = self._append_groups(rows)
        self._inbox.settle()
        self._be_well()
        watch_fullness(0 if self._own is None else self._own.size_bytes, self._directory, self._notices)
        # Late, so that this thread is out of the way of those it wakes; but what the collector says of them is said after it.
        if resolve(receipts, "journal"):
            confirms.add(confirms_of(ids, rows, receipts))
            self.on_confirm()
        elif self._is_own_filled:
            self.wake()

    def _append_groups(self, groups: Sequence[tuple[bytes, int]]) -> tuple[list[int], Confirms]:
        """Write rows, into a new file where this one shows itself damaged; return their ids, and what confirms them."""
        file, confirms = self._opened()
        try:
            return file.append(groups), confirms
        except JournalDamagedError as error:
            self._set_aside(file, error)
        except JournalError:
            if self._has(file):
                raise
        file, confirms = self._opened()
        return file.append(groups), confirms

    def _opened(self) -> tuple[JournalFile, Confirms]:
        with self._opening:
            if self._own is None:
                self._directory.prepare()
                self._own = self._directory.create(self._envelope.wrap(()))
            return self._own, self._confirms

    def _fail(self, entries: Sequence[Entry], error: JournalError) -> None:
        self._on_failure(entries, error)
        self._say(error)

    def _be_well(self) -> None:
        """Take note that this process's file can be written to, and has room."""
        if self.trouble is not None:
            self.trouble = None
            self._notices.over("the journal takes events again.", "journal")

    def _say(self, error: JournalError) -> None:
        self.trouble = str(error)
        self._notices.trouble("journal", self.trouble)

    def _set_aside(self, file: JournalFile, error: Exception) -> None:
        """Give up a file that is damaged, so that the next events go to another."""
        with self._opening:
            if not self._has(file):  # The other thread has seen it, too.
                return
            if file is self._own:
                self._own = None
                self._confirms = Confirms()
            else:
                self.orphans.files.remove(file)
            self._directory.set_aside(file, error)

    def _has(self, file: JournalFile) -> bool:
        return any(file is one for one in self._files())

    def _settled(self, file: JournalFile, groups: Sequence[Group], dead: Sequence[DeadLetter]) -> None:
        if file is self._own:
            refused = sum(letter.count for letter in dead)
            self._confirms.settle([group.id for group in groups], accepted=not dead)
            self.delivered += sum(group.count for group in groups) - refused
            self.dead += refused
        self.under_way = 0
        self._settle(file, groups[0].id, groups[-1].id, dead)

    def _settle(self, file: JournalFile, first: int, last: int, dead: Sequence[DeadLetter]) -> None:
        self._unsettled = None
        if not self._has(file):
            return
        try:
            file.settle(first, last, dead)
        except JournalDamagedError as error:
            self._set_aside(file, error)
        except JournalError as error:
            # They were sent: nothing else is done before they are out of the file, or they would be sent again and again.
            self._unsettled = (file, first, last, dead)
            self._say(error)
        else:
            if file is self._own:
                self._be_well()
