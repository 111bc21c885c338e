"""Durable events: each class has the delivery it asks for, in every process, through outages, exits and kills."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import otel_events
from otel_events import Event, EventTracker, Outcome
from otel_events.direct import exporter as exporters
from otel_events.direct.checkpoint import Checkpoint
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.queue import JournalQueue
from otel_events.direct.opened import Opened
from otel_events.direct.pipeline import DirectPipeline
from otel_events.direct.receipts import BOUND_SECONDS
from otel_events.exceptions import DeliveryError
from otel_events.settings import resolve
from otel_events.stamp import Stamper
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.direct.faulty import HttpReply, HttpServer

NOBODY_LISTENS = "http://127.0.0.1:9"


@dataclass
class Viewed(Event):
    name = "viewed"
    namespace = "app"
    number: int = 0


@dataclass
class Ordered(Viewed):
    name = "ordered"
    delivery = "journal"


@dataclass
class Paid(Viewed):
    name = "paid"
    delivery = "confirmed"


@dataclass
class Booked(Viewed):
    name = "booked"
    delivery = "journal"
    on_failure = "closed"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporters, "FIRST_BACKOFF_SECONDS", 0.05)
    monkeypatch.setattr(exporters, "MAX_BACKOFF_SECONDS", 0.1)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def configure(endpoint: str, folder: Path, **arguments: Any) -> EventTracker:
    return otel_events.configure(
        event_types=[Viewed, Ordered, Paid, Booked], endpoint=endpoint, journal=folder, **{"environ": {}, **arguments}
    )


def stats(tracker: EventTracker) -> Mapping[str, Any]:
    own: Mapping[str, Any] = tracker.stats()["otel"]
    return own


def waiting(folder: Path) -> list[int]:
    """Return how many records are in each file of a journal, whoever owns it."""
    directory = JournalDirectory(folder, 0)
    counts = []
    for path, _ in directory.files():
        with directory.visit(path) as (file, _):
            counts.append(file.records)
    return sorted(counts)


# -- each class has its delivery ---------------------------------------------------------------------------------------


def test_a_class_that_is_durable_has_a_journal_opened_and_no_other_has(server: HttpServer, folder: Path) -> None:
    tracker = configure(server.endpoint, folder, service_name="classes")
    tracker.track(Viewed())
    assert not folder.exists()
    assert not [key for key in stats(tracker) if key.startswith("journal")]
    server.default = HttpReply(503)
    tracker.track(Ordered())
    assert waiting(folder) == [1]
    server.default = HttpReply()
    tracker.track(Paid())
    assert tracker.shutdown(10.0) == Outcome(3, 0, 0)
    assert list(folder.iterdir()) == []


def test_the_setting_is_for_classes_that_name_none(server: HttpServer, folder: Path) -> None:
    server.default = HttpReply(503)
    tracker = configure(server.endpoint, folder, delivery="journal")
    tracker.track(Viewed())
    asyncio.run(tracker.track_event(Viewed()))
    assert waiting(folder) == [2]
    assert tracker.shutdown(0.5) == Outcome(0, 2, 0)
    assert waiting(folder) == [2]


def test_a_confirmed_event_has_arrived_when_tracking_returns(server: HttpServer, folder: Path) -> None:
    environ = {"OTEL_BLRP_SCHEDULE_DELAY": "60000"}  # It is not waited for.
    tracker = configure(server.endpoint, folder, confirm_seconds=10, environ=environ)
    for number in range(3):
        tracker.track(Paid(number))
        assert sum(b"paid" in request.body for request in server.requests) == number + 1
    asyncio.run(tracker.track_event(Paid(3)))
    assert stats(tracker)["logs.sent"] == 4
    tracker.shutdown(5.0)


def test_callers_on_many_threads_and_loops_are_all_confirmed(server: HttpServer, folder: Path) -> None:
    tracker = configure(server.endpoint, folder, confirm_seconds=9)

    def on_a_thread(caller: int) -> None:
        for number in range(20):
            tracker.track(Paid(caller * 100 + number))

    async def one_after_the_other(caller: int) -> None:
        for number in range(20):
            await tracker.track_event(Paid(caller * 100 + number))

    async def together(caller: int) -> None:
        await asyncio.gather(*(one_after_the_other(caller + more) for more in range(8)))

    began = time.monotonic()
    callers = [threading.Thread(target=on_a_thread, args=(number,)) for number in range(4)]
    callers += [threading.Thread(target=lambda first=number: asyncio.run(together(first))) for number in (10, 20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert time.monotonic() - began < 9  # Nobody waited for the journal to be enough.
    assert stats(tracker)["logs.sent"] == 20 * 20
    assert tracker.shutdown(10.0) == Outcome(400, 0, 0)


def test_the_counts_have_these_names(server: HttpServer, folder: Path) -> None:
    tracker = configure(server.endpoint, folder)
    tracker.track(Viewed())
    logs = ["sent", "pending", "queue_bytes", "trouble", "last_answer", "last_error"]
    memory = ["accepted", "stream", *(f"logs.{name}" for name in logs)]
    assert list(stats(tracker)) == memory
    tracker.track(Ordered())
    own = ["pending", "bytes", "dead_letters", "orphans.adopted", "in_memory_instead", "trouble"]
    assert list(stats(tracker)) == [*memory, *(f"journal.{name}" for name in own)]
    tracker.shutdown(5.0)


def test_a_confirmed_event_that_does_not_arrive_is_on_disk_after_its_time(server: HttpServer, folder: Path) -> None:
    server.default = HttpReply(503)
    tracker = configure(server.endpoint, folder, confirm_seconds=0.2)
    began = time.monotonic()
    tracker.track(Paid())
    assert 0.15 < time.monotonic() - began < 8.0
    assert waiting(folder) == [1]
    tracker.shutdown(0.3)


def test_events_reach_a_real_collector_whole(own_collector: Collector, folder: Path) -> None:
    tracker = configure(own_collector.http_endpoint, folder, service_name="durable", delivery="journal")

    async def main() -> None:
        await asyncio.gather(*(tracker.track_event(Viewed(number)) for number in range(2000)))

    asyncio.run(main())
    assert tracker.shutdown(30.0) == Outcome(2000, 0, 0)
    *records, last = own_collector.log_records("durable")
    assert sorted(record.attributes["app.number"] for record in records) == list(range(2000))
    assert last.event_name == "otel_events.checkpoint"
    assert (last.attributes["otel_events.delivered"], last.attributes["otel_events.final"]) == (2000, True)
    assert list(folder.iterdir()) == []


# -- where the journal cannot take them --------------------------------------------------------------------------------


def test_closed_raises_and_open_keeps_them_in_memory(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tracker = configure(server.endpoint, tmp_path / "file" / "journal")
    for _ in range(2):
        with pytest.raises(DeliveryError, match="which is not delivered: the directory"):
            tracker.track(Booked())
        with pytest.raises(DeliveryError, match="which is not delivered: the directory"):
            asyncio.run(tracker.track_event(Booked()))
    tracker.track(Ordered())
    assert not tracker.healthy()
    counts = stats(tracker)
    assert (counts["logs.lost.journal_failed"], counts["journal.in_memory_instead"]) == (4, 1)
    assert "cannot be made" in counts["journal.trouble"]
    assert tracker.shutdown(10.0) == Outcome(1, 0, 4)


def test_a_setting_closes_for_classes_that_do_not_say(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tracker = configure(server.endpoint, tmp_path / "file" / "journal", on_failure="closed")
    with pytest.raises(DeliveryError):
        tracker.track(Ordered())
    tracker.shutdown(5.0)


# -- outages and ends --------------------------------------------------------------------------------------------------


def test_what_one_process_leaves_the_next_one_sends_in_its_name(
    server: HttpServer, own_collector: Collector, folder: Path
) -> None:
    server.default = HttpReply(503)
    first = configure(server.endpoint, folder, service_name="yesterday")
    for number in range(5):
        first.track(Ordered(number))
    assert first.shutdown(0.5) == Outcome(0, 5, 0)

    second = configure(own_collector.http_endpoint, folder, service_name="today")
    second.track(Ordered(5))
    wait_until(lambda: stats(second)["logs.sent"] == 6)
    assert stats(second)["journal.orphans.adopted"] == 5
    assert second.shutdown(10.0) == Outcome(6, 0, 0)
    numbers = [one.attributes["app.number"] for one in own_collector.log_records("yesterday")]
    assert numbers == list(range(5))
    [today, checkpoint] = own_collector.log_records("today")
    assert today.attributes["app.number"] == 5
    assert checkpoint.attributes["otel_events.delivered"] == 1  # The others are of another stream.


def test_what_the_server_refuses_is_kept_among_the_dead_letters(server: HttpServer, folder: Path) -> None:
    tracker = configure(server.endpoint, folder)
    tracker.track(Paid(1))
    server.script(HttpReply(400))
    tracker.track(Paid(2))
    outcome = tracker.flush(5.0)
    assert (outcome, outcome.dead_letters) == (Outcome(1, 0, 0, 1), 1)
    assert stats(tracker)["journal.dead_letters"] == 1
    tracker.shutdown(5.0)
    assert waiting(folder) == [0]


def test_it_is_well_again_when_records_arrive(server: HttpServer, folder: Path) -> None:
    tracker = configure(server.endpoint, folder)
    server.default = HttpReply(503)
    tracker.track(Ordered())
    wait_until(lambda: not tracker.healthy())
    server.default = HttpReply()
    wait_until(tracker.healthy)
    tracker.shutdown(5.0)


def test_the_last_checkpoint_explains_what_the_journal_keeps_and_what_came_too_late(
    server: HttpServer, folder: Path
) -> None:
    server.default = HttpReply(503)
    stamper = Stamper()
    pipeline = DirectPipeline(resolve({"endpoint": server.endpoint, "journal": folder}, {}), stamper)
    for event in (Ordered(1), Ordered(2), Viewed(3)):
        receipt = pipeline.accept(event, stamper.stamp())
        if receipt is not None:
            assert receipt.wait() == "journal"
    assert pipeline.shutdown(0.5) == Outcome(0, 2, 1)
    pipeline.accept(Viewed(4), stamper.stamp())
    assert pipeline._opened is not None
    assert pipeline._opened._checkpoint() == Checkpoint(
        stamper.stream, 4, 0, 2, {"shutdown": 1, "after_shutdown": 1}, 0, final=False
    )
    assert pipeline.stats()["journal.pending"] == 2
    reading = pipeline._opened.reading()
    assert reading is not None
    assert reading.dropped == {"shutdown": 1, "already_shutdown": 1}


# -- processes ---------------------------------------------------------------------------------------------------------

SCRIPT = """
import os, sys, time
from dataclasses import dataclass
import otel_events
from otel_events import Event

@dataclass
class Counted(Event):
    name = "counted"
    who: str

tracker = otel_events.configure(
    event_types=[Counted], service_name="processes", delivery="journal", endpoint=sys.argv[1], journal=sys.argv[2], environ={}
)
"""

FORK = """
tracker.track(Counted("parent"))
if not os.fork():
    tracker.track(Counted("child"))
    tracker.track(Counted("child"))
    sys.exit()
os.wait()
tracker.track(Counted("parent"))
"""


def run(code: str, endpoint: str, folder: Path) -> None:
    code = SCRIPT + textwrap.dedent(code)
    # Python 3.12 and later warn of forks in processes with threads.
    command = [sys.executable, "-W", "ignore", "-c", code, endpoint, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    assert "Traceback" not in done.stderr


def test_a_forked_child_has_its_own_journal_and_both_are_sent_at_the_exits(
    own_collector: Collector, folder: Path
) -> None:
    run(FORK, own_collector.http_endpoint, folder)
    events = [one for one in own_collector.log_records("processes") if one.event_name == "counted"]
    assert sorted(one.attributes["app.who"] for one in events) == ["child", "child", "parent", "parent"]
    streams = {
        who: {uid_stream(one) for one in events if one.attributes["app.who"] == who} for who in ("child", "parent")
    }
    assert [len(one) for one in streams.values()] == [1, 1]
    assert streams["child"] != streams["parent"]
    assert list(folder.iterdir()) == []


def uid_stream(record: Any) -> str:
    return str(record.attributes["log.record.uid"])[10:18]


def test_without_a_collector_each_process_leaves_a_file_of_its_own(folder: Path) -> None:
    run(FORK, NOBODY_LISTENS, folder)
    assert waiting(folder) == [2, 2]


ORPHANED = """
tracker.track(Counted("parent"))
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    time.sleep(0.01)
tracker.track(Counted("child"))
tracker.flush(0.5)
own = tracker.stats()["otel"]
assert (own["journal.orphans.adopted"], own["journal.trouble"]) == (0, None), own
"""


def test_what_a_parent_left_its_child_leaves_to_others(own_collector: Collector, folder: Path) -> None:
    """SQLite may not open a file a second time in a process that was born with it open."""
    run(ORPHANED, NOBODY_LISTENS, folder)
    assert waiting(folder) == [1, 1]
    later = configure(own_collector.http_endpoint, folder, delivery="journal")
    later.track(Viewed())
    assert later.shutdown(20.0) == Outcome(3, 0, 0)


@pytest.mark.parametrize("end", ["", "os._exit(0)", "os.kill(os.getpid(), 9)"], ids=["exit", "_exit", "kill"])
def test_however_a_process_ends_its_events_are_sent(own_collector: Collector, folder: Path, end: str) -> None:
    run(f"for number in range(10): tracker.track(Counted(str(number)))\n{end}", own_collector.http_endpoint, folder)
    later = configure(own_collector.http_endpoint, folder, service_name="later", delivery="journal")
    later.track(Viewed())
    later.shutdown(20.0)
    found = {one.attributes.get("app.who") for one in own_collector.log_records("processes")}
    assert {str(number) for number in range(10)} <= found
    assert list(folder.iterdir()) == []


def test_nothing_of_a_journal_is_loaded_without_one() -> None:
    script = (
        "import sys, otel_events; t = otel_events.configure(event_types=[otel_events.Login], endpoint='http://127.0.0.1:9', "
        "environ={}); t.track(otel_events.Login()); t.shutdown(0.2); "
        "assert not [name for name in sys.modules if name.startswith(('sqlite3', 'otel_events.direct.journal'))]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_event_that_must_be_kept_is_never_taken_for_safe_when_something_unforeseen_happens(tmp_path: Path) -> None:
    stamper = Stamper()
    pipeline = DirectPipeline(resolve({"journal": tmp_path, "endpoint": NOBODY_LISTENS}, {}), stamper)

    def unforeseen(event: Any, stamp: Any) -> Any:
        raise ZeroDivisionError("nobody thought of it")

    pipeline._encode = unforeseen  # it stands for a mistake of ours
    with pytest.raises(DeliveryError, match="ZeroDivisionError: nobody thought of it"):
        pipeline.accept(Booked(), stamper.stamp())
    with pytest.raises(ZeroDivisionError):
        pipeline.accept(Ordered(), stamper.stamp())
    pipeline.shutdown(0.1)
    with pytest.raises(DeliveryError, match="after the shutdown"):
        pipeline.accept(Booked(), stamper.stamp())
    assert pipeline.accept(Ordered(), stamper.stamp()) is None


def test_the_journal_has_the_time_of_a_shutdown_where_nothing_waits_in_memory(server: HttpServer, folder: Path) -> None:
    server.default = HttpReply(body=b"\x0a\x00", seconds_per_byte=0.9)
    tracker = configure(server.endpoint, folder)
    tracker.track(Ordered(number=1))
    assert tracker.shutdown(4.0) == Outcome(sent=1, pending=0, lost=0)


def test_further_events_of_a_class_go_the_same_way_as_its_first_one(folder: Path) -> None:
    tracker = configure(NOBODY_LISTENS, folder)
    for number in range(5):
        tracker.track(Booked(number=number))
        tracker.track(Viewed(number=number))
    assert tracker.stats()["otel"]["journal.pending"] == 5

    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    tracker.track(Booked(number=Odd()))  # type: ignore[arg-type] # One bad value costs that value.
    assert tracker.stats()["otel"]["journal.pending"] == 6
    tracker.shutdown(1.0)
    [listener] = [plugin for plugin in tracker._plugins._manager.get_plugins() if hasattr(plugin, "_stamper")]
    with pytest.raises(DeliveryError, match="after the shutdown"):
        listener.track_event(Booked(number=9))


# -- what the garbage collector runs in between ------------------------------------------------------------------------


def tracked_in_between(
    monkeypatch: pytest.MonkeyPatch, where: type, name: str, track: Callable[[], object]
) -> list[object]:
    """Have a finalizer track an event before a function goes on, once; return what came of that, when it is over."""
    function = getattr(where, name)
    begun: list[bool] = []
    over: list[object] = []

    class Garbage:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            over.append(track())

    def interrupted(*arguments: Any, **named: Any) -> Any:
        if not begun:
            begun.append(True)
            Garbage()
            gc.collect()  # as any allocation there may begin it
        return function(*arguments, **named)

    monkeypatch.setattr(where, name, interrupted)
    return over


@pytest.mark.parametrize("delivery", ["memory", "journal"])
@pytest.mark.parametrize(
    "place",
    [(Opened, "__init__"), (Opened, "start"), (Opened, "_make_journal")],
    ids=lambda one: one[1],
)
def test_an_event_that_a_finalizer_tracks_while_something_is_opened_is_tracked(
    server: HttpServer, folder: Path, monkeypatch: pytest.MonkeyPatch, delivery: str, place: tuple[type, str]
) -> None:
    tracker = configure(server.endpoint, folder, delivery=delivery)
    over = tracked_in_between(monkeypatch, *place, lambda: tracker.track(Ordered(number=1)))
    names = {thread.name for thread in threading.enumerate()}

    def track() -> None:
        tracker.track(Viewed(number=2))
        tracker.track(Ordered(number=3))

    thread = threading.Thread(target=track, daemon=True)
    thread.start()
    thread.join(30.0)
    assert not thread.is_alive()  # It would wait for itself for ever.
    assert over == [None]
    assert tracker.shutdown(10.0) == Outcome(3, 0, 0)
    assert sum(request.body.count(b"app.number") for request in server.requests) == 3
    assert [one.name for one in threading.enumerate() if one.name not in names and "otel" in one.name] == []


def test_what_a_finalizer_tracks_on_the_thread_of_the_journal_does_not_wait_for_itself(
    server: HttpServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = configure(server.endpoint, folder)
    tracker.track(Ordered(number=1))
    over = tracked_in_between(monkeypatch, JournalQueue, "_append", lambda: tracker.track(Ordered(number=2)))
    began = time.monotonic()
    tracker.track(Ordered(number=3))
    assert time.monotonic() - began < BOUND_SECONDS / 2
    assert over == [None]
    assert tracker.shutdown(10.0) == Outcome(3, 0, 0)
