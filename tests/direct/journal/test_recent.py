"""Groups that were just appended are known without the file, as long as they are all that it holds, and not beyond a bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_events.direct.journal import recent as module
from otel_events.direct.journal.file import JournalFile, JournalFullError
from otel_events.direct.journal.recent import Recent
from otel_events.direct.journal.rows import Group
from otel_events.exceptions import JournalError

MAX = (10**6, 10**6)


def groups(*ids: int) -> list[Group]:
    return [Group(number, b"x" * number, 1) for number in ids]


def append(recent: Recent, *ids: int) -> None:
    for group in groups(*ids):
        recent.append(group)


def test_what_is_appended_is_known_until_it_is_settled() -> None:
    recent = Recent(1)
    append(recent, 1, 2)
    append(recent, 3)
    assert recent.read(0, 3, *MAX) == groups(1, 2, 3)
    assert recent.read(1, 3, *MAX) == groups(2, 3)
    assert recent.read(0, 3, 2, 10**6) == groups(1, 2)
    assert recent.read(0, 3, 9, 3) == groups(1, 2)
    assert recent.read(0, 3, 0, 0) == groups(1)
    # The third is being written, and may come to nothing.
    assert recent.read(0, 2, *MAX) == groups(1, 2)
    recent.settle(1, 2, None)
    assert recent.read(0, 3, *MAX) == groups(3)
    recent.settle(3, 3, 4)
    assert recent.read(0, 3, *MAX) == []


@pytest.mark.parametrize(
    "cause", ["it holds others", "one is missing", "order", "too much", "out of the middle", "failure"]
)
def test_where_something_may_be_missing_nothing_is_known_until_the_file_is_empty(
    cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = Recent(None if cause == "it holds others" else 1)
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    append(recent, 1, 2)
    if cause == "one is missing":
        append(recent, 4)
    elif cause == "order":
        append(recent, 2)
    elif cause == "too much":
        append(recent, 3, 4, 5)
    elif cause == "out of the middle":
        recent.settle(2, 2, None)
    elif cause == "failure":
        with pytest.raises(OSError, match="no"), recent:
            raise OSError("no")
    assert recent.read(0, 9, *MAX) is None
    append(recent, 5)
    assert recent.read(0, 9, *MAX) is None
    recent.settle(1, 5, 6)
    append(recent, 6)
    assert recent.read(0, 9, *MAX) == groups(6)


def test_a_file_gives_the_same_whether_it_is_read_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = JournalFile.create(tmp_path / "a.journal", b"request", max_bytes=1000)
    for number in range(1, 10):
        file.append([(b"x" * number, 1)])
    known = file.read(0, 5, 1000)
    assert known == groups(1, 2, 3, 4, 5)
    with pytest.raises(JournalFullError):
        file.append([(b"x" * 1000, 1)])
    assert file._recent.read(0, 9, *MAX) is None
    assert file.read(0, 5, 1000) == known
    file.settle(1, 9)
    [number] = file.append([(b"y", 1)])
    assert file._recent.read(0, number, *MAX) == file.read(0, 9, 1000) == [Group(number, b"y", 1)]
    file.close()


def test_what_could_not_be_written_is_not_given(tmp_path: Path) -> None:
    file = JournalFile.create(tmp_path / "a.journal", b"request", max_bytes=1000)
    file.append([(b"one", 1)])
    wrong: Any = [(b"two", None)]
    with pytest.raises((JournalError, TypeError)):
        file.append(wrong)
    assert [group.body for group in file.read(0, 9, 1000)] == [b"one"]
    file.append([(b"three", 1)])
    assert [group.body for group in file.read(0, 9, 1000)] == [b"one", b"three"]
    file.close()
