"""Owning a file: a lock that the system gives back when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import stat
import weakref
from pathlib import Path
from typing import Final

from otel_events.exceptions import JournalError

_MAX_TRIES: Final = 100


class FileLock:
    """A lock on a file of its own, by ``flock(2)``. It is held by one process, and in that by one of these.

    It is made by ``acquire``. In a forked child it is not held: the child closes its copy of the descriptor, so that the lock
    ends with its holder and not with the holder's children.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        _held.add(self)

    @classmethod
    def acquire(cls, path: Path) -> FileLock | None:
        """Take the lock, without waiting for it.

        Args:
            path: The file; it is made where there is none, readable and writable by its owner alone.

        Returns:
            The lock; None when somebody holds it, this process included.

        Raises:
            JournalError: The file cannot be opened or locked here.
        """
        for _ in range(_MAX_TRIES):
            descriptor = _open(path, os.O_RDWR | os.O_CREAT)
            try:
                if not _lock(descriptor, path, shared=False):
                    return None
                # Who held it before may have deleted the file meanwhile: then it is no longer the one that others see.
                if _is_at(descriptor, path):
                    lock = cls(path, descriptor)
                    descriptor = -1
                    return lock
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
        return None

    def release(self, delete: bool = False) -> None:
        """Give the lock back. Doing it twice, or in a forked child, does nothing.

        Args:
            delete: Whether to delete the file before.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        _held.discard(self)
        try:
            if delete:
                with contextlib.suppress(OSError):
                    self.path.unlink()
        finally:
            os.close(descriptor)

    def _forget(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def is_held(path: Path) -> bool:
    """Say whether somebody holds the lock, without keeping it.

    Args:
        path: The file. Where there is none, nobody holds it.

    Raises:
        JournalError: The file cannot be opened or locked here.
    """
    try:
        descriptor = _open(path, os.O_RDONLY)
    except JournalError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise
    try:
        # Shared, so that two who look do not take each other for a holder.
        return not _lock(descriptor, path, shared=True)
    finally:
        os.close(descriptor)


def need_flock() -> None:
    """See that this system has such locks.

    Raises:
        JournalError: It has not.
    """
    try:
        import fcntl  # noqa: F401 # only to see whether it is there
    except ImportError as error:
        raise JournalError(
            "a journal needs file locks by flock, which this system (Windows, WebAssembly) does not have. "
            "Choose the delivery 'memory'."
        ) from error


def _open(path: Path, flags: int) -> int:
    need_flock()
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise JournalError(
            f"cannot open the lock {path} of a journal: {error.strerror}. Look at who owns the directory, and whether it can "
            "be written to."
        ) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise JournalError(f"the lock {path} of a journal is no ordinary file. Remove it, or choose another directory.")


def _lock(descriptor: int, path: Path, *, shared: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise JournalError(
            f"{path} cannot be locked: {error.strerror}. A journal needs a directory on a local disk; choose another."
        ) from error
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


_held: Final[weakref.WeakSet[FileLock]] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in list(_held):
        lock._forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
