"""A file is a queue that keeps its order and its bounds, loses nothing to a kill, and knows what it holds without reading it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.journal.file import (
    DeadLetter,
    Group,
    JournalDamagedError,
    JournalFile,
    JournalFullError,
    records_of,
)
from otel_events.direct.journal.schema import make
from otel_events.exceptions import JournalError
from tests.direct.journal.support import record, run, said, script

MAX_BYTES = 10_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[JournalFile]:
    file = JournalFile.create(tmp_path / "a.journal", b"request", max_bytes=MAX_BYTES)
    yield file
    file.close()


def group(*texts: str) -> tuple[bytes, int]:
    return b"".join(map(record, texts)), len(texts)


def letter(request: bytes = b"request", possibly_delivered: bool = False) -> DeadLetter:
    return DeadLetter(0, request, 2, "400: no, 'never' \x1b[31m", 1_700_000_000_000_000_000, possibly_delivered)


def test_groups_come_out_in_their_order_until_they_are_settled(file: JournalFile) -> None:
    before = time.time_ns()
    assert file.append([group("one"), group("two", "three")]) == [1, 2]
    assert file.append([group("four")]) == [3]
    assert (file.records, file.size_bytes, file.dead_letters) == (4, len(group("one", "two", "three", "four")[0]), 0)
    oldest_ns = file.oldest_ns
    assert oldest_ns is not None
    assert before <= oldest_ns <= time.time_ns()

    groups = file.read(0, 100, MAX_BYTES)
    assert groups == [Group(1, *group("one")), Group(2, *group("two", "three")), Group(3, *group("four"))]
    assert records_of(groups[1].body) == [record("two"), record("three")]
    file.settle(1, 2)
    assert file.read(0, 100, MAX_BYTES) == groups[2:]
    file.settle(3, 3)
    assert (file.records, file.size_bytes) == (0, 0)
    assert file.oldest_ns is None
    assert file.read(0, 100, MAX_BYTES) == []
    # Whoever has read up to 3 finds what comes next.
    assert file.append([group("five")]) == [4]


def test_reading_keeps_its_bounds(file: JournalFile) -> None:
    file.append([group("a", "b"), group("c"), group("d", "e", "f")])
    size = len(record("a"))
    assert [one.id for one in file.read(0, 3, MAX_BYTES)] == [1, 2]
    assert [one.id for one in file.read(0, 2, MAX_BYTES)] == [1]
    assert [one.id for one in file.read(0, 1, MAX_BYTES)] == [1]
    assert [one.id for one in file.read(0, 0, 0)] == [1]
    assert [one.id for one in file.read(1, 100, size)] == [2]
    assert [one.id for one in file.read(0, 100, 6 * size)] == [1, 2, 3]
    assert [one.id for one in file.read(0, 100, 6 * size - 1)] == [1, 2]
    assert file.read(3, 100, MAX_BYTES) == []


def test_a_full_file_takes_nothing_more_until_there_is_room(file: JournalFile) -> None:
    half = record("x" * (MAX_BYTES // 2 - 4))
    file.append([(half, 1)])
    with pytest.raises(JournalFullError, match=f"holds {len(half)} bytes and may hold {MAX_BYTES}"):
        file.append([(half, 1), (half, 1)])
    assert (file.records, file.size_bytes) == (1, len(half))
    file.append([(half, 1)])
    file.settle(1, 1, [letter(b"r" * 1000)])
    with pytest.raises(JournalFullError):
        file.append([(half, 1)])
    file.remove_dead_letters([1])
    file.append([(half, 1)])


def test_settling_puts_aside_what_was_given_up_in_one_go(file: JournalFile) -> None:
    file.append([group("one"), group("two")])
    file.settle(1, 2, [letter(b"first"), letter(b"second", possibly_delivered=True)])
    assert (file.records, file.dead_letters, file.size_bytes) == (0, 2, len(b"firstsecond"))

    first, second = file.dead_letters_page(0, 10)
    assert first == letter(b"first")._replace(id=1)
    assert second == letter(b"second", possibly_delivered=True)._replace(id=2)
    assert file.dead_letters_page(0, 1) == [first]
    assert file.dead_letters_page(1, 10) == [second]
    assert file.remove_dead_letters([2, 3]) == 1
    file.add_dead_letters([second])
    assert [one.id for one in file.dead_letters_page(0, 10)] == [1, 3]


def test_what_fails_changes_nothing(file: JournalFile) -> None:
    file.append([group("one")])
    with pytest.raises(JournalError):
        file.settle(1, 1, [letter()._replace(reason=None)])  # type: ignore[arg-type]
    assert (file.records, file.dead_letters) == (1, 0)
    assert [one.id for one in file.read(0, 9, MAX_BYTES)] == [1]
    file.settle(1, 1, [letter()])
    assert (file.records, file.dead_letters) == (0, 1)


def test_a_closed_file_says_so_and_a_deleted_one_is_gone(file: JournalFile) -> None:
    file.append([group("one")])
    file.close()
    file.close()
    with pytest.raises(JournalError, match="closed"):
        file.append([group("two")])
    again = JournalFile.open(file.path)
    assert (again.request, again.records) == (b"request", 1)
    with pytest.raises(JournalFullError):
        again.append([group("two")])
    again.delete()
    assert list(file.path.parent.iterdir()) == []


def test_threads_share_it(tmp_path: Path) -> None:
    file = JournalFile.create(tmp_path / "a.journal", b"request", max_bytes=1_000_000)
    ids: list[int] = []
    taken: list[int] = []

    def append() -> None:
        for _ in range(25):
            ids.extend(file.append([group("x"), group("y")]))

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(taken) < 200 and time.monotonic() < deadline:
        for one in file.read(0, 7, MAX_BYTES):
            taken.append(one.id)
            file.settle(one.id, one.id)
    for thread in threads:
        thread.join()
    assert taken == sorted(ids) == list(range(1, 201))
    assert file.records == file.size_bytes == 0
    file.close()


# -- what befalls it -----------------------------------------------------------------------------------------------------


def test_what_was_appended_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    code = """
        file = JournalFile.create(path, b"request", max_bytes=10**9)
        while True:
            print(file.append([(os.urandom(3000), 3)])[-1], flush=True)
    """
    with script(code, path) as process:
        acknowledged = [int(said(process)) for _ in range(100)]
        process.kill()
        rest, _ = process.communicate(timeout=30)
        acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    file = JournalFile.open(path)
    there = [one.id for one in file.read(0, 10**6, 10**9)]
    file.close()
    # One more may have been written and not been said.
    assert there[: len(acknowledged)] == acknowledged == list(range(1, len(acknowledged) + 1))
    assert len(there) - len(acknowledged) in (0, 1)


def test_of_a_log_that_is_cut_short_what_stands_before_the_cut_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    code = """
        file = JournalFile.create(path, b"request", max_bytes=10**9)
        for _ in range(20):
            file.append([(os.urandom(3000), 3)])
        os.kill(os.getpid(), 9)
    """
    with script(code, path) as process:
        process.wait(30)
    log = path.with_name("a.journal-wal")
    found = []
    for cut in range(0, log.stat().st_size + 1, 4001):
        copy = tmp_path / f"cut-{cut}.journal"
        shutil.copy(path, copy)
        copy.with_name(f"{copy.name}-wal").write_bytes(log.read_bytes()[:cut] + b"garbage" * 100)
        file = JournalFile.open(copy)
        ids = [one.id for one in file.read(0, 10**6, 10**9)]
        assert ids == list(range(1, len(ids) + 1))
        assert file.records == 3 * len(ids)
        file.close()
        found.append(len(ids))
    assert found == sorted(found)
    assert (found[0], found[-1] >= 18) == (0, True)


def test_damage_that_shows_later_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    file = JournalFile.create(path, b"request", max_bytes=10**9)
    file.append([group("x" * 1000)] * 500)
    file.close()
    file = JournalFile.open(path, max_bytes=10**9)
    run("size = path.stat().st_size; file = path.open('r+b'); file.seek(40960); file.write(b'?' * size)", path)
    with pytest.raises(JournalDamagedError, match="malformed"):
        file.read(100, 300, 10**9)
    with pytest.raises(JournalDamagedError, match="malformed"):
        file.settle(1, 300)
    assert file.records == 500
    file.close()


def test_opening_reads_no_records(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    file = JournalFile.create(path, b"request", max_bytes=10**9)
    file.append([(b"x" * 300, 1)] * 60_000)
    file.close()
    assert path.stat().st_size > 18_000_000
    code = """
        def read(): return int(Path("/proc/self/io").read_text().split()[1])
        JournalFile.open(path).close()
        before = read()
        file = JournalFile.open(path)
        print(file.records, file.size_bytes, read() - before)
        file.close()
    """
    records, size, read = map(int, run(code, path).split())
    assert (records, size) == (60_000, 18_000_000)
    assert 0 < read < 100_000


# -- any sequence --------------------------------------------------------------------------------------------------------

BODIES = st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=4), max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), BODIES),
        st.tuples(st.just("read"), st.tuples(st.integers(0, 12), st.integers(0, 9), st.integers(0, 200))),
        st.tuples(st.just("settle"), st.tuples(st.integers(1, 4), st.integers(0, 2))),
        st.tuples(st.just("drop"), st.integers(1, 3)),
        st.tuples(st.just("reopen"), st.none()),
    ),
    max_size=12,
)


class Model:
    """The same queue as lists."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.dead: list[bytes] = []

    @property
    def totals(self) -> tuple[int, int, int]:
        size = sum(len(one.body) for one in self.groups) + sum(map(len, self.dead))
        return sum(one.count for one in self.groups), size, len(self.dead)

    def read(self, after_id: int, max_records: int, max_bytes: int) -> list[Group]:
        found: list[Group] = []
        for one in self.groups:
            if one.id > after_id:
                more = [*found, one]
                if found and (sum(x.count for x in more) > max_records or sum(len(x.body) for x in more) > max_bytes):
                    break
                found = more
        return found


@given(STEPS)
def test_any_sequence_of_steps_does_what_lists_do(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.journal"
    file = JournalFile.create(path, b"request", max_bytes=300)
    model = Model()
    try:
        for step in steps:
            file = take(step, file, model)
            assert (file.records, file.size_bytes, file.dead_letters) == model.totals
            assert (file.oldest_ns is None) == (not model.groups)
        assert file.read(0, 10**6, 10**6) == model.groups
        assert [one.request for one in file.dead_letters_page(0, 100)] == model.dead
    finally:
        file.close()
        shutil.rmtree(path.parent)


def take(step: Any, file: JournalFile, model: Model) -> JournalFile:
    """Do a step with the file and with the model, and return the file, which may be another object."""
    match step:
        case ("append", bodies):
            groups = [(b"".join(map(record, body)), len(body)) for body in bodies]
            if model.totals[1] + sum(len(body) for body, _ in groups) > 300:
                with pytest.raises(JournalFullError):
                    file.append(groups)
            else:
                ids = file.append(groups)
                assert all(number > one.id for number in ids for one in model.groups)
                model.groups += [Group(number, *one) for number, one in zip(ids, groups, strict=True)]
        case ("read", bounds):
            assert file.read(*bounds) == model.read(*bounds)
        case ("settle", (count, dead)) if model.groups:
            requests = [b"dead" * number for number in range(dead)]
            settled, model.groups = model.groups[:count], model.groups[count:]
            file.settle(settled[0].id, settled[-1].id, [letter(request) for request in requests])
            model.dead += requests
        case ("drop", count):
            ids = [one.id for one in file.dead_letters_page(0, count)]
            assert file.remove_dead_letters(ids) == len(ids)
            del model.dead[:count]
        case ("reopen", _):
            file.close()
            return JournalFile.open(file.path, max_bytes=300)
    return file


def test_totals_are_known_whoever_opens_it_however_much_was_appended_since_they_were_told(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    file = JournalFile.create(path, b"request", max_bytes=10**9)
    for number in range(1, 200):
        file.append([(b"x" * number, number)])
        if number == 130:
            file.settle(1, 120, [letter()])
        other = JournalFile.open(path)
        try:
            assert (other.records, other.size_bytes, other.dead_letters, other.oldest_ns) == (
                file.records,
                file.size_bytes,
                file.dead_letters,
                file.oldest_ns,
            )
            if number == 150:
                other.remove_dead_letters([1])
        finally:
            other.close()
    first = 121
    assert (file.records, file.size_bytes, file.dead_letters) == (sum(range(first, 200)), sum(range(first, 200)), 0)
    file.settle(first, 199)
    assert (file.records, file.size_bytes) == (0, 0)
    file.close()
    again = JournalFile.open(path, max_bytes=10**9)
    assert again.append([group("later")]) == [200]
    again.close()


def test_a_file_of_the_first_version_is_counted_appended_to_and_emptied(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with contextlib.closing(make(path, b"request")) as connection:
        connection.execute("ALTER TABLE totals DROP COLUMN last_id")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO groups VALUES (7, 1, 2, x'120178'), (8, 2, 1, x'120179')")
        connection.execute("INSERT INTO dead_letters VALUES (1, 1, 1, 'no', 0, x'00')")
        connection.execute("UPDATE totals SET records = 3, size_bytes = 7, dead_letters = 1")
    file = JournalFile.open(path, max_bytes=10**9)
    assert (file.records, file.size_bytes, file.dead_letters, file.oldest_ns) == (3, 7, 1, 1)
    assert file.append([group("z")]) == [9]
    with contextlib.closing(sqlite3.connect(path)) as older:
        assert older.execute("SELECT * FROM totals").fetchall() == [(4, 10, 1)]
    assert [one.id for one in file.read(0, 100, 100)] == [7, 8, 9]
    file.settle(7, 9)
    file.remove_dead_letters([1])
    assert (file.records, file.size_bytes, file.dead_letters, file.oldest_ns) == (0, 0, 0, None)
    file.close()
    again = JournalFile.open(path)
    assert (again.records, again.size_bytes, again.dead_letters) == (0, 0, 0)
    again.close()
