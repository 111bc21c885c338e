"""A child that C code forks off, so that nothing runs that is registered for forks, sends its own events and no others."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.verification.sources import verify
from tests.backends.servers import Collector

SCRIPT = """
import ctypes, os, signal, sys, time
from dataclasses import dataclass
from pathlib import Path
import otel_events
from otel_events import Event

@dataclass
class Counted(Event):
    name = "counted"
    namespace = "app"
    who: str
    number: int

def wait_for_other_threads():
    # A child in which one of them was about to take the interpreter's lock could stop for good, whatever is done in Python.
    def switches():
        return [path.read_text().partition("voluntary_ctxt_switches")[2] for path in Path("/proc/self/task").glob("*/status")
                if path.parent.name != str(os.getpid())]
    before = None
    while (now := switches()) != before:
        before = now
        time.sleep(0.05)

endpoint, delivery, journal = sys.argv[1:]
tracker = otel_events.configure(
    event_types=[Counted], pipeline="direct", delivery=delivery, journal=journal, endpoint=endpoint, service_name="forked by C",
    # Nothing is sent before it is flushed, so that the parent has something at the fork that the child must not send.
    environ={"OTEL_BLRP_SCHEDULE_DELAY": "600000"},
)
for number in range(3):
    tracker.track(Counted("parent", number))
wait_for_other_threads()
child = ctypes.PyDLL(None).fork()
if child == 0:
    signal.alarm(60)
    for number in range(2):
        tracker.track(Counted("child", number))
    done = tracker.flush(20.0)
    os._exit(0 if (done.sent, done.pending, done.lost) == (2, 0, 0) else 1)
print(os.waitpid(child, 0)[1], flush=True)
tracker.track(Counted("parent", 3))
print(tracker.stats()["otel"]["logs.pending"], flush=True)
sys.stdin.readline()
tracker.track(Counted("parent", 4))
done = tracker.shutdown(20.0)
print(done.sent, done.pending, done.lost)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells what threads do")
@pytest.mark.parametrize("delivery", ["memory", "journal"])
def test_events_of_both_processes_arrive_once_and_the_parents_journal_is_whole(
    own_collector: Collector, tmp_path: Path, delivery: str
) -> None:
    journal = tmp_path / "journal"
    command = [sys.executable, "-c", SCRIPT, own_collector.http_endpoint, delivery, str(journal)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert (process.stdout.readline(), process.stdout.readline()) == ("0\n", "4\n")
            if delivery == "journal":
                [path] = journal.glob(f"*-{process.pid}-*.journal")
                with closing(sqlite3.connect(path)) as connection:
                    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                    assert connection.execute("SELECT sum(count) FROM groups").fetchone() == (4,)
            printed, _ = process.communicate("go on\n", timeout=60)
        finally:
            process.kill()
    assert (process.returncode, printed) == (0, "5 0 0\n")
    records = [one for one in own_collector.log_records("forked by C") if one.event_name == "counted"]
    arrived = Counter((one.attributes["app.who"], one.attributes["app.number"]) for one in records)
    assert arrived == Counter([*(("parent", number) for number in range(5)), ("child", 0), ("child", 1)])
    streams = {(one.attributes["app.who"], one.attributes["log.record.uid"][10:18]) for one in records}
    assert len(streams) == len({stream for _, stream in streams}) == 2
    for one in verify([str(own_collector.logs_file)], "forked by C").streams:
        assert (one.duplicates, one.missing.numbers, one.unknown.numbers) == (0, 0, 0)
