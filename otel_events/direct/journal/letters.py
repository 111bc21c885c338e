"""The dead letters of a whole journal: found, sent once more, dropped."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events.direct.envelope import Envelope
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import DeadLetter, JournalFile
from otel_events.direct.protobuf import field
from otel_events.exceptions import JournalError

_AT_ONCE: Final = 10
"""Dead letters in memory: each holds as much as a request."""

_LOG_RECORDS: Final = b"\x12"


class Found(NamedTuple):
    """A dead letter, and where it is.

    Attributes:
        id: Tells it from all others of the directory.
        path: The file that it is in.
        owned: Whether a process that is alive owns that.
        letter: The dead letter.
    """

    id: str
    path: Path
    owned: bool
    letter: DeadLetter

    def request(self) -> ExportLogsServiceRequest:
        """Return what would have been sent; nothing, where it cannot be read."""
        try:
            return ExportLogsServiceRequest.FromString(self.letter.request)
        except DecodeError:
            return ExportLogsServiceRequest()


class Letters:
    """The dead letters in the files of a directory.

    Args:
        directory: The directory; where it is not there, there are none.

    Attributes:
        problems: What is wrong with files that could not be looked into.
    """

    def __init__(self, directory: JournalDirectory) -> None:
        self.problems: list[str] = []
        self._directory = directory

    def __iter__(self) -> Iterator[Found]:
        for path, file, owned in self._files():
            for letter in _letters_of(file):
                yield Found(_id_of(path, letter), path, owned, letter)

    def retry(self, ids: Collection[str] = ()) -> tuple[int, list[str]]:
        """Put dead letters back among what is to be sent, in files that nobody owns, for whoever sends first.

        Args:
            ids: Of which; of all, where none is given.

        Returns:
            How many, and the ids of those that cannot be taken apart, which stay as they are.

        Raises:
            JournalError: There is no such dead letter; then nothing is done. Or the journal cannot be written to.
        """
        self._see_that_there_are(ids)
        count = 0
        unreadable: list[str] = []
        for path, file, _ in self._files():
            with _Copies(self._directory) as copies:
                for letter in _letters_of(file):
                    if ids and _id_of(path, letter) not in ids:
                        continue
                    try:
                        copies.add(letter.request)
                    except ValueError:
                        unreadable.append(_id_of(path, letter))
                        continue
                    file.remove_dead_letters([letter.id])
                    count += 1
        return count, unreadable

    def drop(self, ids: Collection[str]) -> int:
        """Remove dead letters for good, and return how many.

        Args:
            ids: Of which.

        Raises:
            JournalError: There is no such dead letter; then nothing is done. Or the journal cannot be written to.
        """
        self._see_that_there_are(ids)
        count = 0
        for path, file, _ in self._files():
            count += file.remove_dead_letters([one.id for one in _letters_of(file) if _id_of(path, one) in ids])
        return count

    def _files(self) -> Iterator[tuple[Path, JournalFile, bool]]:
        self.problems = []
        for path, _ in self._directory.files() if self._directory.path.exists() else ():
            with contextlib.ExitStack() as stack:
                try:
                    file, owned = stack.enter_context(self._directory.visit(path))
                except JournalError as error:
                    if path.exists():
                        self.problems.append(str(error))
                    continue
                yield path, file, owned

    def _see_that_there_are(self, ids: Collection[str]) -> None:
        missing = set(ids)
        for found in self if ids else ():
            missing.discard(found.id)
        if missing:
            raise JournalError(
                f"there is no dead letter {', '.join(sorted(missing))} in {self._directory.path}. "
                "`otel-events journal dead-letters` lists them."
            )


class _Copies:
    """Files that records are put into, each under what they were told with before; given up for adoption in the end."""

    def __init__(self, directory: JournalDirectory) -> None:
        self._directory = directory
        self._files: dict[bytes, JournalFile] = {}

    def __enter__(self) -> _Copies:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            self._directory.release(file)

    def add(self, request: bytes) -> None:
        head = Envelope.of_request(request).wrap(())
        [logs] = ExportLogsServiceRequest.FromString(request).resource_logs
        records = [field(_LOG_RECORDS, record.SerializeToString()) for record in logs.scope_logs[0].log_records]
        if head not in self._files:
            self._files[head] = self._directory.create(head)
        self._files[head].append([(b"".join(records), len(records))])


def _letters_of(file: JournalFile) -> Iterator[DeadLetter]:
    after_id = 0
    while page := file.dead_letters_page(after_id, _AT_ONCE):
        yield from page
        after_id = page[-1].id


def _id_of(path: Path, letter: DeadLetter) -> str:
    """Return a short id: the random part of the file's name, as ``JournalDirectory.create`` makes it, and a number."""
    return f"{path.stem.rpartition('-')[2]}-{letter.id}"
