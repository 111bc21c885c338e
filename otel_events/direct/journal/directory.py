"""The directory of a journal: the file of this process, those of others, and those that nobody owns any more."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Collection, Iterator
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Final

from otel_events.direct.journal.file import JournalDamagedError, JournalFile, remove_files
from otel_events.direct.journal.lock import FileLock, is_held, need_flock
from otel_events.direct.journal.schema import sync_directory
from otel_events.exceptions import JournalError
from otel_events.unexported import warn

MAX_ENTRIES: Final = 4_000
"""So many names of a directory are looked at; a thousand processes have as many."""

_ASIDE: Final = ".damaged-"
_DEAD_LETTERS_AT_ONCE: Final = 10


class JournalDirectory:
    """Where the processes of an application have their files, each its own, ``<time>-<process>-<random>.journal``.

    Whoever works on a file holds its lock, ``<name>.lock``. A file whose lock is free is an orphan, for anybody to adopt.

    Args:
        path: The directory.
        max_bytes: Nothing is appended to a file beyond so many bytes.

    Attributes:
        path: The directory.
        max_bytes: As given.
        damaged: How many files were set aside.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path.absolute()
        self.damaged = 0
        self.max_bytes = max_bytes
        self._locks: dict[Path, FileLock] = {}
        self._said: set[str] = set()

    def prepare(self) -> None:
        """Make the directory where there is none, for its owner alone, and look whether it will do.

        Raises:
            JournalError: It will not; the text says why.
        """
        need_flock()
        try:
            missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
            for path in reversed(missing):
                path.mkdir(mode=0o700, exist_ok=True)
                sync_directory(path.parent)
            status = self.path.stat()
        except OSError as error:
            raise JournalError(
                f"the directory {self.path} for a journal cannot be made: {error.strerror}. Choose another, or make it."
            ) from error
        problem = None
        user = os.geteuid()
        if not stat.S_ISDIR(status.st_mode):
            problem = "is no directory"
        elif status.st_uid != user and user != 0:
            problem = f"belongs to user {status.st_uid}, and this process runs as user {user}"
        elif status.st_mode & stat.S_IWOTH:
            problem = "can be written to by everybody"
        elif not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            problem = "cannot be written to"
        if problem is not None:
            raise JournalError(f"{self.path} will not do for a journal: it {problem}. Choose another directory.")

    def create(self, request: bytes) -> JournalFile:
        """Make a file, owned by this process.

        Args:
            request: As in ``JournalFile.create``.

        Raises:
            JournalError: It cannot be made.
        """
        while True:
            path = self.path / f"{_now()}-{os.getpid()}-{secrets.token_hex(4)}.journal"
            lock = FileLock.acquire(_lock_of(path))
            if lock is not None:
                break
        try:
            file = JournalFile.create(path, request, max_bytes=self.max_bytes)
        except BaseException:
            remove_files(path)
            lock.release(delete=True)
            raise
        self._locks[path] = lock
        return file

    def orphans(self, exclude: Collection[Path] = ()) -> Iterator[JournalFile]:
        """Adopt files that nobody owns, one after the other: each is opened, and owned by this process, when it is given.

        One that is damaged is set aside, one that is empty is deleted; one that cannot be opened is passed over, and said once.

        Args:
            exclude: Files to pass over. After a fork these are those of the parent, whose locks end with it: SQLite could not
                open them a second time in a process that was born with them open.

        Raises:
            JournalError: The directory cannot be read.
        """
        for lock_path in self._named(".journal.lock"):
            with contextlib.suppress(OSError):
                self._remove_stray(lock_path)
        for path in self._named(".journal"):
            if path not in exclude:
                try:
                    file = self._adopt(path)
                except OSError as error:
                    self._say_once(f"{error} It is passed over.")
                    continue
                if file is not None:
                    yield file

    def release(self, file: JournalFile, seconds: float = -1) -> None:
        """Close a file and give its lock back; one that is empty is deleted.

        Args:
            file: One of ``create`` or ``orphans``.
            seconds: How long to wait for who uses it; -1 for as long as it takes. If that is not enough, it stays as it is until
                the process ends, and is then an orphan.
        """
        if not file.close(seconds):
            return
        lock = self._locks.pop(file.path, None)
        # Not before it is closed: what was being appended was promised to be there.
        delete = not file.records and not file.dead_letters
        try:
            if delete:
                file.delete()
        finally:
            if lock is not None:
                lock.release(delete)

    def set_aside(self, file: JournalFile, why: Exception) -> None:
        """Close a file that shows itself damaged and keep it under another name, out of the way. Said and counted.

        Args:
            file: One of ``create`` or ``orphans``.
            why: What was seen.
        """
        lock = self._locks.pop(file.path, None)
        with contextlib.suppress(JournalError):
            file.close()
        try:
            self._rename(file.path, why)
        except OSError as error:
            self._say_once(f"the journal {file.path} is damaged and cannot be renamed: {error.strerror}. Move it away.")
        if lock is not None:
            lock.release(delete=True)

    def files(self) -> list[tuple[Path, bool]]:
        """Return every file, and whether somebody owns it."""
        return [(path, is_held(_lock_of(path))) for path in self._named(".journal")]

    def damaged_files(self) -> list[Path]:
        """Return every file that was set aside, by whichever process."""
        return [path for path in self._listed() if _ASIDE in path.name and not path.name.endswith(("-wal", "-shm"))]

    @contextlib.contextmanager
    def visit(self, path: Path) -> Iterator[tuple[JournalFile, bool]]:
        """Open a file for the block, whoever owns it. One that nobody owns, nobody adopts meanwhile.

        Args:
            path: One of ``files``.

        Yields:
            The file, and whether somebody owns it.

        Raises:
            JournalDamagedError: It is no journal.
            JournalError: It cannot be opened.
        """
        lock = FileLock.acquire(_lock_of(path))
        try:
            file = JournalFile.open(path)
            try:
                yield file, lock is None
            finally:
                file.close()
        finally:
            if lock is not None:
                lock.release(delete=True)

    def adopt_dead_letters(self, source: JournalFile, into: JournalFile) -> None:
        """Move the dead letters of a file into another. Cut short, it leaves some in both, and loses none."""
        while letters := source.dead_letters_page(0, _DEAD_LETTERS_AT_ONCE):
            into.add_dead_letters(letters)
            source.remove_dead_letters([letter.id for letter in letters])

    def _adopt(self, path: Path) -> JournalFile | None:
        """Return the file, owned by this process, if nobody owns it and there is something in it."""
        if path.is_symlink() or not path.is_file():
            return None
        lock = FileLock.acquire(_lock_of(path))
        if lock is None:
            return None
        file = None
        try:
            # Another process may have adopted and deleted it meanwhile.
            if path.exists():
                file = self._open(path)
        finally:
            if file is None:
                lock.release(delete=True)
            else:
                self._locks[path] = lock
        return file

    def _open(self, path: Path) -> JournalFile | None:
        try:
            file = JournalFile.open(path, max_bytes=self.max_bytes)
        except JournalDamagedError as error:
            if path.stat().st_size:
                self._rename(path, error)
            else:
                # Its maker was killed before there was anything in it.
                remove_files(path)
            return None
        if file.records or file.dead_letters:
            return file
        file.delete()
        return None

    def _rename(self, path: Path, why: Exception) -> None:
        self.damaged += 1
        if not path.exists():
            warn(f"{why} What it held and was not sent yet is lost.")
            return
        aside = path.with_name(f"{path.name}{_ASIDE}{_now()}")
        for end in ("-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
        path.with_name(path.name + "-shm").unlink(missing_ok=True)
        warn(
            f"{why} It is kept as {aside}; what it holds is not sent. Try `sqlite3 {aside.name} .recover` on a copy, then delete "
            "it."
        )

    def _remove_stray(self, lock_path: Path) -> None:
        path = lock_path.with_name(lock_path.name.removesuffix(".lock"))
        if path.exists():
            return
        lock = FileLock.acquire(lock_path)
        if lock is not None:
            gone = not path.exists()
            if gone:
                remove_files(path)
            lock.release(delete=gone)

    def _named(self, end: str) -> list[Path]:
        return [path for path in self._listed() if path.name.endswith(end)]

    def _listed(self) -> list[Path]:
        try:
            with os.scandir(self.path) as entries:
                names = [entry.name for entry in islice(entries, MAX_ENTRIES + 1)]
        except OSError as error:
            raise JournalError(f"the directory {self.path} of a journal cannot be read: {error.strerror}.") from error
        if len(names) > MAX_ENTRIES:
            self._say_once(
                f"the directory {self.path} of a journal holds more than {MAX_ENTRIES} files, and only so many are looked at. "
                "Move away what is no journal."
            )
        return [self.path / name for name in sorted(names[:MAX_ENTRIES])]

    def _say_once(self, sentence: str) -> None:
        if sentence not in self._said and len(self._said) < MAX_ENTRIES:
            self._said.add(sentence)
            warn(sentence)


def _now() -> str:
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}"


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
