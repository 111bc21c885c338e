"""Looking at a journal tells what each file holds and whether its owner is alive, and changes nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.overview import FileState, overview
from otel_events.exceptions import JournalError
from tests.direct.journal.support import event, leave


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    return directory


def test_each_file_is_told_with_its_owner(directory: JournalDirectory) -> None:
    left = leave(directory, "shop", "a", "b", dead=["c"])
    mine = directory.create(b"request")
    mine.append([(event("d"), 1)])
    before = time.time_ns()
    for _ in range(2):
        first, second = overview(JournalDirectory(directory.path, 0))
        assert (first.path, first.owned, first.records, first.dead_letters) == (left, False, 2, 1)
        assert first.size_bytes > 2 * len(event("a"))
        assert first.oldest_ns is not None
        assert first.oldest_ns < before
        assert second == FileState(mine.path, True, 1, len(event("d")), mine.oldest_ns, 0)
    directory.release(mine)
    assert [file.owned for file in overview(directory)] == [False, False]


def test_one_that_cannot_be_opened_is_told_with_why_and_left(directory: JournalDirectory) -> None:
    bad = directory.path / "bad.journal"
    bad.write_bytes(b"garbage " * 1000)
    [state] = overview(directory)
    assert (state.path, state.records) == (bad, 0)
    assert state.problem == f"the journal {bad} is damaged: file is not a database."
    assert [path.name for path in directory.path.iterdir()] == [bad.name]
    assert directory.damaged == 0


def test_a_file_that_is_done_with_meanwhile_is_left_out(directory: JournalDirectory) -> None:
    first, second = (leave(directory, "shop", name) for name in "ab")
    states = overview(directory)
    assert next(states).path == first
    second.unlink()
    assert list(states) == []


def test_a_directory_that_is_not_there_has_no_files(directory: JournalDirectory) -> None:
    assert list(overview(JournalDirectory(directory.path / "nowhere", 0))) == []
    (directory.path / "file").touch()
    with pytest.raises(JournalError, match="Not a directory"):
        list(overview(JournalDirectory(directory.path / "file", 0)))
