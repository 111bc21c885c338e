"""What is appended is synced before that is said, a disk that fails is an error and no loss, and forks tear nothing."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.direct.journal import database
from otel_events.direct.journal.file import DeadLetter, JournalDamagedError, JournalFile
from otel_events.exceptions import JournalError
from tests.direct.journal.support import record, run, said, script, traced

BODY = record("body")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.journal"


@pytest.fixture
def file(path: Path) -> Iterator[JournalFile]:
    file = JournalFile.create(path, b"request", max_bytes=100_000_000)
    yield file
    file.close()


def letter(text: str = "dead") -> DeadLetter:
    return DeadLetter(0, text.encode(), 1, "because", 1, False)


def place(lines: list[str], said: str, start: int = 0) -> int:
    """Return which line shows what a process writes, the first one from a line on."""
    return next(index for index, line in enumerate(lines[start:], start) if said in line)


def syncs(lines: list[str]) -> list[str]:
    """Return what is synced, by name: each sync that begins and succeeds within these lines."""
    begun: dict[str, str] = {}
    synced = []
    for line in lines:
        thread = line.partition(" ")[0]
        if match := re.search(r"f(data)?sync\(\d+<(?P<path>[^>]*)>", line):
            begun[thread] = match["path"]
        # Where another thread calls something meanwhile, a call takes two lines.
        if re.search(r"f(data)?sync(\(| resumed>).*\) += 0", line) and thread in begun:
            synced.append(begun.pop(thread))
    return synced


def between(lines: list[str], start: str, end: str) -> list[str]:
    """Return what is synced, by name, between two words that a process writes."""
    first = place(lines, f'"{start}"')
    return syncs(lines[first : place(lines, f'"{end}"', first + 1)])


# -- syncs ---------------------------------------------------------------------------------------------------------------


def test_an_append_is_synced_before_it_returns_and_a_removal_is_not(path: Path) -> None:
    code = """
        def say(word): os.write(1, word.encode())
        file = JournalFile.create(path, b"request", max_bytes=10000)
        say("created")
        file.append([(b"one", 1), (b"two", 1)])
        say("appended")
        file.settle(1, 1, [DeadLetter(0, b"r", 1, "because", 1, False)])
        say("settled")
        file.append([(b"three", 1)])
        say("again")
        file.remove_dead_letters([1])
        say("removed")
        file.add_dead_letters([DeadLetter(0, b"r", 1, "because", 1, False)])
        say("added")
        file.close()
    """
    lines = traced(code, path)
    log = f"{path}-wal"
    assert log in between(lines, "created", "appended")
    assert between(lines, "appended", "settled") == []
    assert between(lines, "settled", "again") == [log]
    assert between(lines, "again", "removed") == []
    assert between(lines, "removed", "added") == [log]


def test_a_new_file_is_found_after_a_power_cut(path: Path) -> None:
    code = """
        os.write(1, b"before")
        file = JournalFile.create(path, b"request", max_bytes=10000)
        os.write(1, b"created")
        file.close()
    """
    synced = between(traced(code, path), "before", "created")
    assert synced[-1] == str(path.parent)
    assert str(path) in synced


def test_after_a_sync_that_failed_nothing_rests_on_what_came_before_it(path: Path) -> None:
    code = """
        file = JournalFile.create(path, b"request", max_bytes=10000)
        file.append([(b"one", 1)])
        os.write(1, b"begin")
        for _ in range(2):
            try:
                file.append([(b"two", 1)])
            except JournalError as error:
                assert "I/O error" in str(error), error
            os.write(1, b"next")
        assert [group.body for group in file.read(0, 10, 1000)][:2] == [b"one", b"two"]
        file.close()
    """
    lines = traced(code, path.with_name("well"))
    begin = next(index for index, line in enumerate(lines) if '"begin"' in line)
    ordinal = sum("fdatasync(" in line for line in lines[:begin]) + 1
    lines = traced(code, path, "-e", f"inject=fdatasync:error=EIO:when={ordinal}")
    log = f"{path}-wal"
    assert between(lines, "begin", "next") == []
    # Log and database, by which all of it is in the database; then the new log, its head and its first content.
    assert between(lines, "next", "next") == [log, str(path), log, log]


def test_the_public_call_returns_once_its_event_is_written_to_the_log_and_that_is_synced(path: Path) -> None:
    code = """
        import asyncio
        from dataclasses import dataclass
        import otel_events

        @dataclass
        class Noted(otel_events.Event):
            name = "noted"
            text: str

        tracker = otel_events.configure(
            event_types=[Noted], delivery="journal", journal=path, endpoint="http://127.0.0.1:9", environ={}
        )

        def say(word): os.write(1, word.encode())

        for text in ("event-first", "event-later"):
            say(f"before {text}")
            tracker.track(Noted(text))
            say(f"after {text}")

        async def track(text):
            say(f"before {text}")
            await tracker.track_event(Noted(text))
            say(f"after {text}")

        async def main(): await asyncio.gather(*(track(f"event-{number}") for number in range(8)))

        asyncio.run(main())
        os._exit(0)  # Nobody takes the events, so that there is nothing to wait for.
    """
    lines = traced(code, path, "-s", "100000")
    for text in ("event-first", "event-later", *(f"event-{number}" for number in range(8))):
        before, after = place(lines, f'"before {text}"'), place(lines, f'"after {text}"')
        # Its first time there: what comes later onto the same page is written together with it.
        to_log = re.compile(rf"write(64)?\(\d+<[^>]*-wal>.*{text}")
        written = next((index for index, line in enumerate(lines[before:after], before) if to_log.search(line)), None)
        assert written is not None, f"{text} is not in the log when the call returns"
        synced = syncs(lines[written:after])
        assert any(name.startswith(str(path)) and name.endswith(".journal-wal") for name in synced), text


# -- the disk ------------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_an_error_and_once_there_is_room_it_goes_on(path: Path) -> None:
    code = """
        import resource
        file = JournalFile.create(path, b"request", max_bytes=10**9)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, most))
        written = []
        for round in range(2):
            try:
                while len(written) < 1000:
                    written += file.append([(os.urandom(10_000), 1)])
            except JournalError as error:
                assert "cannot be used" in str(error) and str(path) in str(error), error
            else:
                raise AssertionError("it was never full")
            before = [group.id for group in file.read(0, 1000, 10**9)]
            assert before == written, (before, written)
            assert file.records == len(written)
            # The first time there is room in the database for what is in the log, so that the log begins anew.
            try:
                file.settle(0, written[0])
            except JournalError:
                assert round == 1
            else:
                del written[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        file.settle(0, written.pop(0))
        written += file.append([(b"more", 1)] * 3)
        file.close()
        file = JournalFile.open(path)
        assert [group.id for group in file.read(0, 1000, 10**9)] == written
        assert file.records == len(written)
        print(len(written))
    """
    assert int(run(code, path)) > 10


def test_a_file_that_was_deleted_takes_nothing_more(file: JournalFile) -> None:
    file.path.unlink()
    with pytest.raises(JournalDamagedError, match="was deleted"):
        file.append([(BODY, 1)])
    file.path.write_bytes(b"another")
    with pytest.raises(JournalDamagedError, match="another file was put in its place"):
        file.append([(BODY, 1)])


def test_space_is_given_back(file: JournalFile) -> None:
    ids = [number for _ in range(12) for number in file.append([(os.urandom(1_000_000), 1)])]
    file.settle(ids[0], ids[-3], [letter()])
    assert file.path.stat().st_size > 8_000_000
    file.settle(ids[-2], ids[-1])

    assert file.path.stat().st_size < 100_000
    assert file.path.with_name(file.path.name + "-wal").stat().st_size < 100_000
    assert [found.request for found in file.dead_letters_page(0, 10)] == [b"dead"]
    assert file.append([(BODY, 1)]) == [ids[-1] + 1]


# -- other processes -------------------------------------------------------------------------------------------------------


def test_what_another_process_removes_is_counted(file: JournalFile) -> None:
    file.add_dead_letters([letter(), letter()])
    run("file = JournalFile.open(path); assert file.remove_dead_letters([1, 7]) == 1; file.close()", file.path)
    assert file.dead_letters == 2
    file.refresh()
    assert (file.dead_letters, file.size_bytes) == (1, len(b"dead"))

    run("file = JournalFile.open(path); file.remove_dead_letters([2]); file.close()", file.path)
    file.append([(BODY, 1)])
    assert (file.dead_letters, file.size_bytes) == (0, len(BODY))


def test_what_another_process_holds_for_too_long_is_an_error(file: JournalFile) -> None:
    code = """
        import sqlite3
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        sys.stdin.read()
    """
    file._database.connection.execute("PRAGMA busy_timeout = 50")
    with script(code, file.path) as process:
        assert said(process) == "held"
        with pytest.raises(JournalError, match="database is locked"):
            file.append([(BODY, 1)])
    assert file.append([(BODY, 1)]) == [1]


def test_a_forked_child_may_not_use_it(path: Path) -> None:
    code = """
        file = JournalFile.create(path, b"request", max_bytes=10000)
        file.append([(b"one", 1)])
        child = os.fork()
        if child == 0:
            for use in (lambda: file.append([(b"two", 1)]), lambda: file.read(0, 1, 1), lambda: file.settle(1, 1)):
                try:
                    use()
                except JournalError as error:
                    assert "After a fork, make a new one" in str(error)
                else:
                    os._exit(1)
            file.close()
            file.delete()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert len(file.append([(b"two", 1)])) == 1
        assert [group.body for group in file.read(0, 9, 99)] == [b"one", b"two"]
        file.close()
    """
    run(code, path)
    assert path.exists()


def test_the_end_of_a_forked_child_leaves_the_parents_file_alone(path: Path) -> None:
    code = r"""
        file = JournalFile.create(path, b"request", max_bytes=10000)
        file.append([(b"one", 1)])
        child = os.fork()
        if child == 0:
            os.write(1, b"child\n")
            sys.stdin.read()
            del file
            sys.exit()
        os.write(1, b"parent\n")
        os.kill(os.getpid(), 9)
    """
    with script(code, path) as process:
        assert sorted((said(process), said(process))) == ["child", "parent"]
        process.wait(30)
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        process.communicate(timeout=30)  # to the end of all who may write to its output, so of the child
    # Whoever closes the last connection takes the log into the database.
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    file = JournalFile.open(path)
    assert [group.body for group in file.read(0, 9, 99)] == [b"one"]
    file.close()


def test_forks_amid_appends_leave_both_sides_able_to_write(path: Path) -> None:
    code = """
        import threading
        file = JournalFile.create(path, b"request", max_bytes=10**8)
        ended = threading.Event()
        def write():
            while not ended.is_set():
                file.append([(b"x" * 5000, 1)])
        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(15):
            child = os.fork()
            if child == 0:
                mine = JournalFile.create(path.with_name(f"child-{number}.journal"), b"request", max_bytes=10**8)
                mine.append([(b"mine", 1)])
                mine.close()
                sys.exit()
            assert os.waitpid(child, 0)[1] == 0
        ended.set()
        for thread in threads:
            thread.join()
        groups = file.read(0, 10**6, 10**8)
        assert [group.id for group in groups] == list(range(1, len(groups) + 1)) and len(groups) == file.records
        file.close()
    """
    run(code, path)
    assert len(list(path.parent.glob("child-*.journal"))) == 15


def test_a_fork_waits_for_a_thread_that_is_inside(path: Path) -> None:
    code = """
        import threading
        file = JournalFile.create(path, b"request", max_bytes=10**8)
        inside, ended = threading.Event(), threading.Event()
        def work():
            with file._database.using():
                inside.set()
                ended.wait(0.3)
                ended.set()
        thread = threading.Thread(target=work)
        thread.start()
        inside.wait(30)
        child = os.fork()
        if child == 0:
            os._exit(0 if ended.is_set() else 1)
        print(os.waitpid(child, 0)[1])
        thread.join()
        file.append([(b"one", 1)])
        file.close()
    """
    assert run(code, path) == "0\n"


def test_a_fork_that_only_tells_the_child_does_no_harm(file: JournalFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a fork is that of uWSGI; here it is told to this process."""
    monkeypatch.setattr(database, "_paused", threading.local())
    database._after_fork_in_child()
    assert file._database.connection in database._left_alone
