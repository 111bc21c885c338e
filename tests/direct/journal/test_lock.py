"""A lock has one holder, ends with it and not with its children, and is never held on a file that others do not see."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from otel_events.direct.journal import lock as module
from otel_events.direct.journal.lock import FileLock, is_held
from otel_events.exceptions import JournalError
from tests.backends.wait import wait_until
from tests.direct.journal.support import said, script


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.lock"


def acquired(path: Path) -> FileLock:
    lock = FileLock.acquire(path)
    assert lock is not None
    return lock


def test_there_is_one_holder_also_within_a_process(path: Path) -> None:
    assert not is_held(path)
    lock = acquired(path)
    assert is_held(path)
    assert FileLock.acquire(path) is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    lock.release()
    lock.release()
    assert not is_held(path)
    acquired(path).release(delete=True)
    assert not path.exists()
    assert not is_held(path)


def test_a_file_that_its_former_holder_deletes_meanwhile_is_made_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = acquired(path)
    real = module._lock

    def after_the_deletion(descriptor: int, path: Path, *, shared: bool) -> bool:
        former.release(delete=True)
        return real(descriptor, path, shared=shared)

    monkeypatch.setattr(module, "_lock", after_the_deletion)
    lock = acquired(path)
    assert is_held(path)
    lock.release()


def test_a_lock_ends_with_its_holder_however_that_ends(path: Path) -> None:
    with script("lock = FileLock.acquire(path); print('held', flush=True); sys.stdin.read()", path) as process:
        assert said(process) == "held"
        assert is_held(path)
        process.kill()
        process.wait(30)
        assert not is_held(path)


def test_a_lock_does_not_live_on_in_a_forked_child(path: Path) -> None:
    code = r"""
        lock = FileLock.acquire(path)
        child = os.fork()
        if child == 0:
            lock.release(delete=True)
        os.write(1, b"child\n" if child == 0 else b"parent\n")
        sys.stdin.read()
    """
    with script(code, path) as process:
        assert sorted((said(process), said(process))) == ["child", "parent"]
        assert is_held(path)
        process.kill()
        process.wait(30)
        # The child still waits for the end of its standard input.
        wait_until(lambda: not is_held(path))


def test_a_lock_is_not_handed_on_to_another_program(path: Path) -> None:
    lock = acquired(path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as other:
        lock.release()
        wait_until(lambda: not is_held(path))
        assert other.poll() is None
        other.communicate(b"\n", timeout=30)


def test_what_is_no_file_to_lock_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe"):
        with pytest.raises(JournalError, match=name):
            FileLock.acquire(tmp_path / name)
        with pytest.raises(JournalError, match=name):
            is_held(tmp_path / name)
    with pytest.raises(JournalError, match=r"cannot open the lock .* No such file"):
        FileLock.acquire(tmp_path / "nowhere" / "a.lock")


def test_a_system_without_such_locks_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    for use in (FileLock.acquire, is_held):
        with pytest.raises(JournalError, match="delivery 'memory'"):
            use(path)
    assert not path.exists()
