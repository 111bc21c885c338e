"""A directory is for its owner alone, each of its files has one owner, and those of processes that ended are adopted once."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.direct.journal import directory as module
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import DeadLetter, JournalDamagedError, JournalFile
from otel_events.exceptions import JournalError
from tests.direct.journal.support import record, run, said, script

MAX_BYTES = 1_000_000
ONE = (record("one"), 1)


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", MAX_BYTES)
    directory.prepare()
    return directory


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Make a directory that other users can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "otel_events")


def orphan(directory: JournalDirectory, records: int = 1, dead_letters: int = 0) -> Path:
    """Leave a file behind, as a process that has ended does."""
    file = directory.create(b"request")
    if records:
        file.append([(record("x") * records, records)])
    file.add_dead_letters([letter(f"dead {number}") for number in range(dead_letters)])
    directory.release(file)
    return file.path


def letter(text: str) -> DeadLetter:
    return DeadLetter(0, text.encode(), 1, "because", 1, False)


def names(directory: JournalDirectory) -> list[str]:
    return sorted(path.name for path in directory.path.iterdir())


@contextlib.contextmanager
def adopted(directory: JournalDirectory, exclude: tuple[Path, ...] = ()) -> Iterator[list[JournalFile]]:
    """Adopt what can be adopted for the block, and leave it behind again."""
    files = list(directory.orphans(exclude))
    try:
        yield files
    finally:
        for file in files:
            directory.release(file)


# -- the directory -------------------------------------------------------------------------------------------------------


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "otel-events" / "shop"
    for _ in range(2):
        JournalDirectory(path, MAX_BYTES).prepare()
    for made in (path, path.parent, path.parent.parent):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_one_that_will_not_do_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    for name, words in {
        "file": "it is no directory",
        "file/below": "cannot be made: Not a directory",
        "open": "can be written to by everybody",
    }.items():
        with pytest.raises(JournalError, match=words) as raised:
            JournalDirectory(tmp_path / name, MAX_BYTES).prepare()
        assert str(tmp_path / name) in str(raised.value)


def test_one_of_another_user_and_one_that_is_read_only_are_refused(elsewhere: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can be two users")
    (elsewhere / "roots").mkdir(mode=0o755)
    (elsewhere / "mine").mkdir(mode=0o500)
    os.chown(elsewhere / "mine", 65534, 65534)
    code = """
        os.setgid(65534)
        os.setuid(65534)
        for name in ("roots", "mine", "roots/below"):
            try:
                JournalDirectory(path / name, 1).prepare()
            except JournalError as error:
                print(error)
            else:
                print("fine")
    """
    others, mine, below = run(code, elsewhere).splitlines()
    assert "belongs to user 0, and this process runs as user 65534" in others
    assert "it cannot be written to" in mine
    assert "cannot be made: Permission denied" in below


def test_a_directory_that_becomes_read_only_is_an_error_and_not_an_end(elsewhere: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can be two users")
    path = elsewhere / "journal"
    path.mkdir()
    os.chown(path, 65534, 65534)
    code = """
        os.setgid(65534)
        os.setuid(65534)
        directory = JournalDirectory(path, 10000)
        directory.prepare()
        file = directory.create(b"request")
        file.append([(b"one", 1)])
        directory.release(file)
        path.chmod(0o500)
        try:
            directory.create(b"request")
        except JournalError as error:
            print(error)
        print(list(directory.orphans()))
        path.chmod(0o700)
        print([file.records for file in directory.orphans()])
    """
    created, read_only, writable = run(code, path).splitlines()
    assert "cannot open the lock" in created
    assert "Permission denied" in created
    assert (read_only, writable) == ("[]", "[1]")


def test_a_system_without_locks_is_told_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.__dict__, "need_flock", lambda: (_ for _ in ()).throw(JournalError("no locks")))
    with pytest.raises(JournalError, match="no locks"):
        JournalDirectory(tmp_path / "journal", MAX_BYTES).prepare()
    assert not (tmp_path / "journal").exists()


def test_one_that_cannot_be_read_is_an_error(directory: JournalDirectory) -> None:
    shutil.rmtree(directory.path)
    with pytest.raises(JournalError, match="cannot be read: No such file"):
        list(directory.orphans())
    with pytest.raises(JournalError, match="cannot be read: No such file"):
        directory.files()


# -- owners ----------------------------------------------------------------------------------------------------------------


def test_a_file_has_one_owner_also_within_a_process(directory: JournalDirectory) -> None:
    mine, other = directory.create(b"mine"), JournalDirectory(directory.path, MAX_BYTES)
    theirs = other.create(b"theirs")
    mine.append([ONE])
    assert mine.path != theirs.path
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}\.\d{{6}}Z-{os.getpid()}-[0-9a-f]{{8}}\.journal", mine.path.name)
    assert sorted(directory.files()) == sorted([(mine.path, True), (theirs.path, True)])
    assert list(other.orphans()) == list(directory.orphans()) == []

    directory.release(mine)
    assert dict(directory.files()) == {mine.path: False, theirs.path: True}
    with adopted(other) as (again,):
        assert (again.path, again.request, again.records) == (mine.path, b"mine", 1)
        assert list(directory.orphans()) == []
    other.release(theirs)
    assert [path for path, _ in directory.files()] == [mine.path]


def test_what_a_killed_process_leaves_is_adopted_with_all_that_is_in_it(directory: JournalDirectory) -> None:
    code = """
        directory = JournalDirectory(path, 10**6)
        file = directory.create(b"request")
        file.append([(b"one", 1), (b"two", 1)])
        print(file.path.name, flush=True)
        sys.stdin.read()
    """
    with script(code, directory.path) as process:
        name = said(process)
        assert list(directory.orphans()) == []
        process.kill()
        process.wait(30)
    (file,) = directory.orphans()
    assert file.path.name == name
    assert [group.body for group in file.read(0, 9, 99)] == [b"one", b"two"]
    file.settle(1, 2)
    directory.release(file)
    assert names(directory) == []


def test_of_two_processes_one_adopts_a_file(directory: JournalDirectory) -> None:
    expected = {orphan(directory, records).name for records in range(1, 41)}
    code = """
        directory = JournalDirectory(path, 10**6)
        sys.stdin.readline()
        taken = []
        for file in directory.orphans():
            taken.append(file.path.name)
            file.settle(1, 1)
            directory.release(file)
        print(" ".join(taken), flush=True)
    """
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(script(code, directory.path)) for _ in range(3)]
        taken: list[str] = []
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            out, errors = process.communicate(timeout=60)
            assert not errors
            taken += out.split()
    assert sorted(taken) == sorted(expected)
    assert names(directory) == []


def test_a_forked_child_passes_over_what_it_is_told_to(directory: JournalDirectory) -> None:
    kept, other = orphan(directory), orphan(directory)
    with adopted(directory, (kept,)) as files:
        assert [file.path for file in files] == [other]


def test_what_nobody_needs_is_removed(directory: JournalDirectory) -> None:
    orphan(directory, records=0)
    stray = directory.path / "gone.journal.lock"
    unfinished = directory.path / "unfinished.journal"
    for path in (stray, directory.path / "gone.journal-wal", unfinished):
        path.touch()
    held = directory.create(b"request")

    assert list(directory.orphans()) == []
    assert {name for name in names(directory) if not name.startswith(held.path.name)} == set()
    assert directory.damaged == 0
    directory.release(held)
    assert names(directory) == []


def test_a_file_that_cannot_be_made_leaves_nothing(
    directory: JournalDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise JournalError("no room")

    monkeypatch.setattr(JournalFile, "create", fail)
    with pytest.raises(JournalError, match="no room"):
        directory.create(b"request")
    assert names(directory) == []


def test_dead_letters_move_into_another_file(directory: JournalDirectory) -> None:
    orphan(directory, records=0, dead_letters=23)
    into = directory.create(b"request")
    into.append([ONE])
    (source,) = directory.orphans()
    assert source.dead_letters == 23
    directory.adopt_dead_letters(source, into)

    assert (source.dead_letters, into.dead_letters, into.records) == (0, 23, 1)
    assert [one.request for one in into.dead_letters_page(0, 99)] == [b"dead %d" % number for number in range(23)]
    directory.release(source)
    directory.release(into)
    assert [path for path, _ in directory.files()] == [into.path]


# -- what is odd -------------------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_set_aside_and_said_once(
    directory: JournalDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    good = orphan(directory)
    bad = directory.path / "a.journal"
    bad.write_bytes(b"garbage " * 1000)
    for _ in range(2):
        with adopted(directory) as files:
            assert [file.path for file in files] == [good]

    assert directory.damaged == 1
    (message,) = [entry.getMessage() for entry in caplog.records]
    aside = re.search(r"kept as (\S+);", message)
    assert f"the journal {bad} is damaged: file is not a database" in message
    assert "Try `sqlite3" in message
    assert aside is not None
    assert re.fullmatch(rf"{bad}\.damaged-[\dT.]+Z", aside[1])
    assert Path(aside[1]).read_bytes() == b"garbage " * 1000
    assert sorted(path for path, _ in directory.files()) == [good]


def test_a_file_that_shows_itself_damaged_later_is_set_aside_too(
    directory: JournalDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    file = directory.create(b"request")
    file.append([ONE])
    # With this, the log outlives the connection.
    reader = JournalFile.open(file.path)
    directory.set_aside(file, JournalDamagedError(f"the journal {file.path} is damaged: seen."))
    reader.close()
    assert directory.files() == []
    aside, log = names(directory)
    assert (aside.partition(".damaged-")[0], log) == (file.path.name, f"{aside}-wal")
    assert "is damaged: seen. It is kept as" in caplog.text
    assert directory.damaged == 1


def test_a_file_that_was_deleted_by_somebody_else_can_be_given_up(
    directory: JournalDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    file = directory.create(b"request")
    shutil.rmtree(directory.path)
    with pytest.raises(JournalDamagedError, match="was deleted") as raised:
        file.append([ONE])
    directory.set_aside(file, raised.value)
    [message] = [entry.getMessage() for entry in caplog.records]
    assert message.endswith("another file was put in its place. What it held and was not sent yet is lost.")
    directory.prepare()
    again = directory.create(b"request")
    again.append([ONE])
    directory.release(again)


def test_a_file_of_another_version_is_passed_over_and_said_once(
    directory: JournalDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    path, good = orphan(directory), orphan(directory)
    run("import sqlite3; sqlite3.connect(path).execute('PRAGMA user_version = 3')", path)
    (directory.path / "link.journal").symlink_to(good)
    (directory.path / "folder.journal").mkdir()
    for _ in range(2):
        with adopted(directory) as files:
            assert [file.path for file in files] == [good]
    (message,) = [entry.getMessage() for entry in caplog.records]
    assert "is of version 3" in message
    assert message.endswith("It is passed over.")
    assert path.exists()


def test_a_crowded_directory_is_not_looked_at_to_its_end(
    directory: JournalDirectory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 50)
    for number in range(60):
        (directory.path / f"{number:03}.journal").mkdir()
    for _ in range(2):
        assert list(directory.orphans()) == []
    assert len(directory.files()) == 50
    (message,) = [entry.getMessage() for entry in caplog.records]
    assert f"{directory.path} of a journal holds more than 50 files" in message


def test_one_that_somebody_uses_longer_than_there_is_time_stays_as_it_is(directory: JournalDirectory) -> None:
    file = directory.create(b"request")
    with file._database.lock:
        directory.release(file, 0.01)
        assert file.path.exists()
        assert list(JournalDirectory(directory.path, MAX_BYTES).orphans()) == []  # It is owned, until the process ends.
    file.append([ONE])
    directory.release(file)
    with adopted(JournalDirectory(directory.path, MAX_BYTES)) as [again]:
        assert again.records == 1
