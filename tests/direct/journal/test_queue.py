"""Events of many callers reach the disk with few syncs, in their order, and leave it once sent; none is lost unseen."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from otel_events.direct.answers import Answer, Kind
from otel_events.direct.envelope import Envelope
from otel_events.direct.journal import inbox as inboxes
from otel_events.direct.journal import orphans
from otel_events.direct.journal.batch import JournalBatch
from otel_events.direct.journal.database import Database
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.entries import Entry
from otel_events.direct.journal.file import JournalFile, records_of
from otel_events.direct.journal.queue import JournalQueue
from otel_events.direct.notices import Notices
from otel_events.direct.receipts import BOUND_SECONDS, DeliveryReceipt, resolve
from otel_events.exceptions import DeliveryError, JournalError
from tests.backends.wait import wait_until
from tests.direct.journal.support import leave, record

ACCEPTED = Answer(Kind.ACCEPTED, 200)
REFUSED = Answer(Kind.BAD_DATA, 400, "no")


class Rig:
    """A queue in a directory, and what it does with events that the disk refuses."""

    def __init__(
        self, path: Path, *, max_bytes: int = 10**6, batch_records: int = 100, batch_bytes: int = 10**6
    ) -> None:
        self.directory = JournalDirectory(path, max_bytes)
        self.failed: list[tuple[list[bytes], JournalError]] = []
        self.queue = JournalQueue(
            self.directory,
            Envelope({"service.name": "own"}),
            batch_records=batch_records,
            batch_bytes=batch_bytes,
            on_failure=self._on_failure,
            notices=Notices(lambda: "some wait"),
        )

    def _on_failure(self, entries: Sequence[Entry], error: JournalError) -> None:
        self.failed.append(([entry.record for entry in entries], error))
        resolve([one.receipt for one in entries], None, DeliveryError(str(error)))

    def put(self, *names: str, confirm_seconds: float = 0.0) -> list[DeliveryReceipt]:
        receipts = [DeliveryReceipt(confirm_seconds=confirm_seconds) for _ in names]
        for name, receipt in zip(names, receipts, strict=True):
            self.queue.put(record(name), receipt)
        return receipts

    def on_disk(self, *names: str) -> None:
        """Put events and wait until they are there."""
        assert {receipt.wait() for receipt in self.put(*names)} == {"journal"}

    def take(self, max_records: int = 1000) -> JournalBatch:
        batch = self.queue.take(max_records, 10**6)
        assert batch is not None
        return batch

    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.path.iterdir())


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "journal")
    yield rig
    rig.queue.abandon(1.0)


@pytest.fixture
def appends(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[tuple[bytes, int]]]:
    """Give what each append to a file wrote."""
    seen: list[Sequence[tuple[bytes, int]]] = []
    append = JournalFile.append

    def noted(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        seen.append(groups)
        return append(file, groups)

    monkeypatch.setattr(JournalFile, "append", noted)
    return seen


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "otel_events"]


# -- writing -----------------------------------------------------------------------------------------------------------


def test_events_that_come_while_the_disk_works_are_written_together(
    rig: Rig, appends: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.on_disk("first")
    append, go_on, at_work = JournalFile.append, threading.Event(), threading.Event()

    def slow(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        at_work.set()
        go_on.wait(30.0)
        return append(file, groups)

    monkeypatch.setattr(JournalFile, "append", slow)
    early = rig.put("second")
    at_work.wait(30.0)
    late = rig.put(*map(str, range(50)))
    assert rig.queue.unsettled == rig.queue.own_unsettled == 52
    assert [receipt.where for receipt in (*early, *late)] == [None] * 51
    go_on.set()
    assert {receipt.wait() for receipt in (*early, *late)} == {"journal"}
    assert [sum(count for _, count in groups) for groups in appends] == [1, 1, 50]
    assert rig.queue.unsettled == 52


def test_many_callers_are_served_each_in_its_order(rig: Rig, appends: list[Any]) -> None:
    def call(caller: int) -> None:
        for number in range(50):
            [receipt] = rig.put(f"{caller} {number}")
            assert receipt.wait() == "journal"

    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = rig.take().records()
    for caller in range(8):
        own = [record(f"{caller} {number}") for number in range(50)]
        assert [one for one in records if one in own] == own
    assert len(appends) < 400
    assert not [thread for thread in threading.enumerate() if thread in threads]


def test_a_row_is_no_larger_than_a_batch(tmp_path: Path, appends: list[Any]) -> None:
    rig = Rig(tmp_path / "journal", batch_records=3, batch_bytes=len(record("xxxx")) * 2)
    with rig.queue._inbox._lock:  # So that they come together.
        threading.Thread(target=rig.on_disk, args=("xxxx",)).start()
        receipts = [DeliveryReceipt() for _ in range(7)]
        names = ["xxxx", "xxxx", "xxxx", "x", "x", "x", "x"]
        for name, receipt in zip(names, receipts, strict=True):
            assert rig.queue.try_to_put(record(name), receipt) is None
    rig.queue.attend(record("x"), receipts[-1], None)
    assert {receipt.wait() for receipt in receipts} == {"journal"}
    wait_until(lambda: rig.queue.unsettled == 8)
    groups = [group for written in appends for group in written]
    assert sum(count for _, count in groups) == 8
    assert max(count for _, count in groups) == 3
    assert max(len(body) for body, _ in groups) <= len(record("xxxx")) * 2
    rig.queue.abandon(1.0)


def test_no_thread_and_no_file_before_the_first_event(rig: Rig) -> None:
    assert rig.queue.take(10, 100) is None
    assert not rig.directory.path.exists()
    assert not [thread for thread in threading.enumerate() if thread.name == "otel-events-journal"]
    assert (rig.queue.trouble, rig.queue.unsettled, rig.queue.size_bytes) == (None, 0, 0)


# -- sending -----------------------------------------------------------------------------------------------------------


def test_records_come_out_in_their_order_and_stay_until_they_are_settled(rig: Rig) -> None:
    for name in "abcd":
        rig.on_disk(name)
    batch = rig.take(3)
    assert batch.records() == [record("a"), record("b"), record("c")]
    assert (batch.count, batch.envelope) == (3, rig.queue._envelope)
    assert rig.queue.unsettled == 4
    batch.sent(3)
    batch.end()
    assert (rig.queue.unsettled, rig.queue.delivered, rig.queue.dead) == (1, 3, 0)
    assert rig.take().records() == [record("d")]


def test_what_is_refused_becomes_dead_letters(rig: Rig) -> None:
    rig.on_disk("a")
    rig.on_disk("b")
    batch = rig.take()
    assert batch.refused([record("b")], 1, REFUSED)
    batch.end()
    assert (rig.queue.unsettled, rig.queue.delivered, rig.queue.dead, rig.queue.dead_letters) == (0, 1, 1, 1)


def test_confirmed_events_are_sent_at_once_and_resolved_when_they_are_settled(rig: Rig) -> None:
    hurried = threading.Event()
    rig.queue.on_confirm = hurried.set
    rig.on_disk("not waited for")
    assert not hurried.is_set()
    [receipt] = rig.put("a", confirm_seconds=20.0)
    assert hurried.wait(10.0)
    assert receipt.where == "journal"
    rig.take().end()
    assert receipt.wait() == "collector"


def test_an_exporter_that_is_quicker_than_the_writer_confirms_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    append = JournalFile.append

    def sent_at_once(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        ids = append(file, groups)
        rig.take().end()
        return ids

    monkeypatch.setattr(JournalFile, "append", sent_at_once)
    [receipt] = rig.put("a", confirm_seconds=20.0)
    assert receipt.wait() == "collector"
    [receipt] = rig.put("b", confirm_seconds=20.0)
    assert receipt.wait() == "collector"


def test_where_some_are_refused_the_journal_is_enough(rig: Rig) -> None:
    receipts = rig.put("a", confirm_seconds=0.5)
    wait_until(lambda: receipts[0].where)
    batch = rig.take()
    batch.refused(batch.records(), 1, REFUSED)
    batch.end()
    assert receipts[0].wait() == "journal"


def test_where_an_exporter_that_is_quicker_has_had_some_refused_the_journal_is_enough(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, answers = JournalFile.append, [REFUSED, ACCEPTED]

    def sent_at_once(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        ids = append(file, groups)
        batch = rig.take()
        if (answer := answers.pop(0)) is REFUSED:
            batch.refused(batch.records(), batch.count, answer)
        batch.end()
        return ids

    monkeypatch.setattr(JournalFile, "append", sent_at_once)
    [refused] = rig.put("a", confirm_seconds=0.5)
    assert refused.wait() == "journal"
    [accepted] = rig.put("b", confirm_seconds=20.0)
    assert accepted.wait() == "collector"
    assert rig.queue._confirms._waiting == {}


def test_a_wait_ends_when_there_is_a_batch_or_at_a_call(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "journal", batch_records=2)
    waited = threading.Thread(target=rig.queue.wait, args=(60.0,))
    waited.start()
    rig.on_disk("a")
    rig.on_disk("b")
    waited.join(30.0)
    assert not waited.is_alive()
    rig.queue.wait(60.0)  # There is a batch.
    rig.take().end()
    waited = threading.Thread(target=rig.queue.wait, args=(60.0,))
    waited.start()
    while waited.is_alive():
        rig.queue.wake()
        waited.join(0.01)
    rig.queue.abandon(1.0)


def test_enough_for_one_more_request_is_a_batch_or_what_others_have_left(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "journal", batch_records=2)

    def enough() -> bool:
        return rig.queue.has_enough

    rig.directory.prepare()
    leave(rig.directory, "other", "o1")
    assert not enough()
    rig.on_disk("a")
    theirs = rig.take()
    assert enough()
    theirs.end()
    rig.take()
    assert not enough()
    rig.on_disk("b")
    assert enough()
    rig.queue.abandon(1.0)


# -- files of processes that are no more -------------------------------------------------------------------------------


def test_orphans_go_first_and_under_their_own_resource(rig: Rig) -> None:
    rig.directory.prepare()
    leave(rig.directory, "other", "o1", "o2", dead=["o3"])
    rig.on_disk("own")
    assert rig.queue.unsettled == 1
    batch = rig.take()
    assert (batch.count, rig.queue.orphans.adopted, rig.queue.unsettled) == (2, 2, 3)
    assert batch.envelope.wrap(()) == Envelope({"service.name": "other"}).wrap(())
    assert rig.queue.own_unsettled == 1
    batch.end()
    own = rig.take()
    assert own.records() == [record("own")]
    own.end()
    assert rig.queue.take(10, 1000) is None
    # The orphan is gone, and its dead letter is here.
    assert (rig.queue.dead_letters, rig.queue.delivered, rig.queue.dead) == (1, 1, 0)
    assert len([name for name in rig.files() if name.endswith(".journal")]) == 1


def test_what_is_excluded_is_left_alone(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "journal")
    rig.directory.prepare()
    path = leave(rig.directory, "parent", "p1")
    queue = JournalQueue(
        rig.directory,
        Envelope({}),
        batch_records=10,
        batch_bytes=1000,
        on_failure=rig._on_failure,
        notices=Notices(str),
        excluded=frozenset({path}),
    )
    assert queue.take(10, 1000) is None
    assert queue.paths == {path}
    assert path.exists()


def test_orphans_are_looked_for_now_and_then(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.on_disk("own")
    rig.take().end()
    leave(rig.directory, "other", "o1")
    assert rig.queue.take(10, 1000) is None
    monkeypatch.setattr(rig.queue.orphans, "_at", 0.0)
    assert rig.take().count == 1
    assert rig.queue.orphans._at > orphans.ADOPT_EVERY_SECONDS


# -- disks that fail ---------------------------------------------------------------------------------------------------


def test_what_cannot_be_written_is_given_back_said_once_and_goes_on_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "otel_events")
    (tmp_path / "in the way").touch()
    rig = Rig(tmp_path / "in the way" / "journal")
    for name in "ab":
        [receipt] = rig.put(name)
        with pytest.raises(DeliveryError, match="cannot be made"):
            receipt.wait()
    assert [records for records, _ in rig.failed] == [[record("a")], [record("b")]]
    assert "cannot be made" in str(rig.queue.trouble)
    assert rig.queue.unsettled == 0
    (tmp_path / "in the way").unlink()
    rig.on_disk("c")
    assert str(rig.queue.trouble) == "None"
    first, last = warnings(caplog)
    assert "cannot be made" in first
    assert last == "the journal takes events again."
    rig.queue.abandon(1.0)


def test_a_journal_that_fills_up_is_said_before_it_is_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "otel_events")
    size = len(record("x" * 100))
    rig = Rig(tmp_path / "journal", max_bytes=size * 10)
    for _ in range(7):
        rig.on_disk("x" * 100)
    assert warnings(caplog) == []
    for _ in range(3):
        rig.on_disk("x" * 100)
    [line] = warnings(caplog)
    assert f"holds {size * 8} of at most {size * 10} bytes" in line
    [receipt] = rig.put("x" * 100)
    with pytest.raises(DeliveryError, match="is full"):
        receipt.wait()
    rig.take().end()
    for _ in range(8):
        rig.on_disk("x" * 100)
    assert sum("of at most" in line for line in warnings(caplog)) == 2
    rig.queue.abandon(1.0)


def test_a_damaged_file_is_set_aside_and_the_event_goes_to_another(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.on_disk("a")
    [path] = rig.directory.path.glob("*.journal")
    path.unlink()
    rig.on_disk("b", "c")
    assert rig.directory.damaged == 1
    assert rig.take().records() == [record("b"), record("c")]
    assert "deleted" in caplog.text


def test_damage_that_the_exporter_sees_costs_no_event_that_comes_then(rig: Rig) -> None:
    rig.on_disk("a")
    batch = rig.take()
    file = rig.queue._own
    assert file is not None
    rig.queue._set_aside(file, JournalError("the journal is damaged."))
    rig.on_disk("b")
    batch.end()  # It was of the file that is gone.
    rig.queue._set_aside(file, JournalError("the journal is damaged."))
    assert rig.directory.damaged == 1
    assert rig.take().records() == [record("b")]
    assert rig.queue.trouble is None


def test_the_writer_passes_from_a_file_that_was_set_aside_under_it_to_another(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.on_disk("a")
    append = JournalFile.append
    first = rig.queue._own
    assert first is not None

    def set_aside_before(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        if file is first:
            rig.queue._set_aside(file, JournalError("the journal is damaged."))
            raise JournalError("it is closed")
        return append(file, groups)

    monkeypatch.setattr(JournalFile, "append", set_aside_before)
    rig.on_disk("b")
    assert (rig.failed, rig.take().records()) == ([], [record("b")])


def test_records_that_cannot_be_taken_out_are_not_sent_again_and_make_no_rush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path / "journal", batch_records=1)
    rig.on_disk("a")
    settle = JournalFile.settle

    def failing(file: JournalFile, *arguments: Any) -> None:
        raise JournalError("the disk does not let go")

    monkeypatch.setattr(JournalFile, "settle", failing)
    rig.take().end()
    assert rig.queue.trouble == "the disk does not let go"
    assert rig.queue.take(10, 1000) is None
    rig.queue.wait(0.0)  # It was woken before.
    waiting = threading.Thread(target=rig.queue.wait, args=(60.0,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()  # though there is a batch
    while waiting.is_alive():
        rig.queue.wake()
        waiting.join(0.01)
    monkeypatch.setattr(JournalFile, "settle", settle)
    rig.on_disk("b")
    assert rig.take().records() == [record("b")]
    assert rig.queue.delivered == 1
    rig.queue.abandon(1.0)


def test_what_cannot_be_read_keeps_nothing_else_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.directory.prepare()
    unreadable = leave(rig.directory, "other", "o1")
    rig.on_disk("own")
    read = JournalFile.read

    def failing(file: JournalFile, *arguments: Any) -> Any:
        if file.path == unreadable:
            raise JournalError("it cannot be read")
        return read(file, *arguments)

    monkeypatch.setattr(JournalFile, "read", failing)
    assert rig.take().records() == [record("own")]
    assert rig.queue.trouble == "it cannot be read"


def test_what_waits_to_be_written_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "MAX_WAITING", 2)
    rig = Rig(tmp_path / "journal")
    append, go_on, at_work = JournalFile.append, threading.Event(), threading.Event()

    def slow(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        at_work.set()
        go_on.wait(30.0)
        return append(file, groups)

    monkeypatch.setattr(JournalFile, "append", slow)
    first = rig.put("a")
    at_work.wait(30.0)
    *rest, refused = rig.put("b", "c", "d")
    with pytest.raises(DeliveryError, match="takes too long"):
        refused.wait()
    go_on.set()
    assert [receipt.wait() for receipt in (*first, *rest)] == ["journal"] * 3
    rig.queue.abandon(1.0)


def test_of_what_is_written_at_once_a_nearly_full_journal_takes_what_it_has_room_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first] = rig.put("first")
    first.wait()
    file = rig.queue._own
    assert file is not None
    monkeypatch.setattr(file, "_max_bytes", file.size_bytes + 2 * len(record("a")))
    append, at_work, go_on = JournalFile.append, threading.Event(), threading.Event()

    def waiting(file: JournalFile, groups: Any) -> list[int]:
        at_work.set()
        go_on.wait(30.0)
        return append(file, groups)

    with monkeypatch.context() as patched:
        patched.setattr(JournalFile, "append", waiting)
        [small] = rig.put("")  # Held, so that the others come at once.
        at_work.wait(30.0)
        others = rig.put("a", "b", "c", "d")
        go_on.set()
        assert small.wait() == "journal"
        for one in others[1:]:
            with pytest.raises(DeliveryError, match="is full"):
                one.wait()
        assert others[0].wait() == "journal"
    assert rig.queue.trouble is not None


# -- the end -----------------------------------------------------------------------------------------------------------


def test_at_the_end_an_empty_file_is_deleted_and_one_with_records_kept(rig: Rig) -> None:
    rig.on_disk("a")
    rig.take().end()
    assert rig.queue.abandon(1.0) == 0
    assert rig.files() == []

    rig = Rig(rig.directory.path)
    rig.on_disk("b")
    rig.queue.abandon(1.0)
    assert len([name for name in rig.files() if name.endswith(".journal")]) == 1
    # It still tells of them.
    assert (rig.queue.unsettled, rig.queue.own_unsettled, rig.queue.take(10, 100)) == (1, 1, None)
    assert Rig(rig.directory.path).take().records() == [record("b")]


def test_what_waits_is_written_before_the_end_and_what_comes_after_it_is_refused(
    rig: Rig,
) -> None:
    receipts = rig.put(*map(str, range(200)))
    rig.queue.abandon(1.0)
    assert {receipt.wait() for receipt in receipts} == {"journal"}
    [late] = rig.put("late")
    with pytest.raises(DeliveryError, match="is closed"):
        late.wait()
    assert Rig(rig.directory.path).take().count == 200
    assert not [thread for thread in threading.enumerate() if thread.name == "otel-events-journal"]


def test_what_is_being_written_at_the_end_is_kept_though_the_file_was_empty(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.on_disk("a")
    rig.take().end()
    transact, go_on, at_work = Database._transact, threading.Event(), threading.Event()

    def slow(database: Database, *arguments: Any, **named: Any) -> None:
        at_work.set()
        go_on.wait(30.0)
        transact(database, *arguments, **named)

    monkeypatch.setattr(Database, "_transact", slow)
    [receipt] = rig.put("b")
    assert at_work.wait(30.0)
    began = time.monotonic()
    assert rig.queue.abandon(0.1) == 0
    assert time.monotonic() - began < 10.0
    go_on.set()
    assert receipt.wait() == "journal"
    held = [name for name in rig.files() if name.endswith(".journal")]
    assert len(held) == 1
    with rig.directory.visit(rig.directory.path / held[0]) as (file, _):
        assert records_of(file.read(0, 10, 1000)[0].body) == [record("b")]


def test_what_is_written_while_the_file_is_being_closed_is_kept(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked whether the file is empty once nobody can write to it, and not before."""
    rig.on_disk("a")
    rig.take().end()
    append, close = JournalFile.append, JournalFile.close
    go_on, written = threading.Event(), threading.Event()

    def slow(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        go_on.wait(30.0)
        ids = append(file, groups)
        written.set()
        return ids

    def late(file: JournalFile, seconds: float = -1) -> bool:
        go_on.set()
        assert written.wait(30.0)
        return close(file, seconds)

    monkeypatch.setattr(JournalFile, "append", slow)
    monkeypatch.setattr(JournalFile, "close", late)
    [receipt] = rig.put("b")
    rig.queue.abandon(0.05)
    assert receipt.wait() == "journal"
    assert Rig(rig.directory.path).take().records() == [record("b")]


def test_a_handler_of_the_log_that_raises_does_not_end_the_writing(tmp_path: Path) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("no disk for logs")

    (tmp_path / "in the way").touch()
    rig = Rig(tmp_path / "in the way" / "journal")
    broken = Broken()
    logging.getLogger("otel_events").addHandler(broken)
    try:
        for name in "ab":
            [receipt] = rig.put(name)
            with pytest.raises(DeliveryError, match="cannot be made"):
                receipt.wait()
        (tmp_path / "in the way").unlink()
        rig.on_disk("c")
    finally:
        logging.getLogger("otel_events").removeHandler(broken)
    rig.queue.abandon(1.0)


def test_a_finalizer_that_tracks_an_event_on_the_writing_thread_does_not_wait_for_itself(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = JournalFile.append
    inner: list[DeliveryReceipt] = []
    told: list[object] = []

    def interrupted(file: JournalFile, groups: Sequence[tuple[bytes, int]]) -> list[int]:
        if not inner:
            inner.extend(rig.put("by a finalizer"))  # as what the garbage collector runs does it
            try:
                told.append(inner[0].wait())
            except TimeoutError as error:
                told.append(error)
        return append(file, groups)

    monkeypatch.setattr(JournalFile, "append", interrupted)
    # Before anybody who waits is woken because it takes too long.
    began = time.monotonic()
    rig.on_disk("a")
    assert time.monotonic() - began < BOUND_SECONDS / 2
    assert isinstance(told[0], TimeoutError)
    assert inner[0].wait() == "journal"
    assert rig.take().records() == [record("a"), record("by a finalizer")]
