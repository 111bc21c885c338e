"""The compiled intake gives what stamping, encoding and queueing in Python give, and leaves to Python what it does not know."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from otel_events import Event, Policy, Stamp, request
from otel_events.direct import pipeline
from otel_events.direct.encoder import Encoder
from otel_events.stamp import Stamper, Stream

INTAKE: Any = vars(pipeline)["Intake"]
NOW_NS = 1_469_918_176_385 * 1_000_000

needs_compiled = pytest.mark.skipif(
    INTAKE is None and os.environ.get("REQUIRE_BACKENDS") != "1",
    reason="the extension module is not built: no C compiler was there when this was installed",
)


@dataclass
class Ping(Event):
    name = "ping"
    namespace = "app"
    value: Any = None


class FromZero(Stamper):
    """Begins each stream alike, so that two give the same stamps."""

    def __init__(self, *, compiled: bool = True) -> None:
        super().__init__(lambda: NOW_NS, compiled=compiled)

    def _new_stream(self) -> Stream:
        return Stream(os.getpid(), "0" * 8, itertools.count())


class Rig:
    """An intake, and what came out of it."""

    def __init__(self, *, compiled: bool = True) -> None:
        self.records: list[bytes] = []
        self.left: list[tuple[Any, Stamp]] = []
        self.attended: list[tuple[bytes, Any]] = []
        self.said: Any = True
        self.stamper = FromZero(compiled=compiled)
        self.ways: dict[type, Any] = {}
        self.journaled: dict[type, Any] = {}
        self.encoder = Encoder(Policy())
        self.intake = INTAKE(self.leave, stamp=self.stamper.stamp, ways=self.ways, journaled=self.journaled)
        self.intake.begin(append=self.append, attend=self.attend, pid=os.getpid())

    def leave(self, event: Any, stamp: Stamp) -> str:
        self.left.append((event, stamp))
        return "left"

    def append(self, record: bytes) -> Any:
        self.records.append(record)
        return self.said

    def attend(self, record: bytes, said: Any) -> None:
        self.attended.append((record, said))

    def know(self, event: Any) -> None:
        self.ways[type(event)] = self.encoder.way(event)


def expected(*events: Any) -> list[bytes]:
    """Return what Python makes of the same events, tracked one after the other."""
    stamper, encoder = FromZero(compiled=False), Encoder(Policy())
    return [encoder.encode(event, stamper.stamp()) for event in events]


def test_it_is_built_where_there_is_a_compiler() -> None:
    assert INTAKE is not None or not shutil.which("cc"), "there is a C compiler: install this again"


@needs_compiled
def test_an_event_is_stamped_encoded_and_queued() -> None:
    rig, events = Rig(), [Ping(number) for number in range(3)]
    rig.know(events[0])
    assert [rig.intake(event) for event in events] == [None] * 3
    assert rig.records == expected(*events)
    assert rig.left == rig.attended == []


@needs_compiled
def test_the_span_and_the_request_are_in_the_record() -> None:
    rig, event = Rig(), Ping()
    rig.know(event)
    context = SpanContext(2**100, 2**50, is_remote=False, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(context)), request({"client.address": "192.0.2.1"}):
        rig.intake(event)
        assert rig.records == expected(event)
    assert (2**100).to_bytes(16, "big") in rig.records[0]
    assert b"192.0.2.1" in rig.records[0]


@needs_compiled
def test_a_stamp_that_is_given_is_taken() -> None:
    rig, event = Rig(), Ping("x")
    rig.know(event)
    stamp = rig.stamper.stamp()
    assert rig.intake(event, stamp) is None
    assert rig.records == expected(event)


@needs_compiled
@pytest.mark.parametrize("value", [{"a": 1}, 2**70, "\ud800", "x" * 5000, object()])
def test_a_value_that_is_left_to_python_gets_the_stamp_that_was_drawn(value: Any) -> None:
    rig, event = Rig(), Ping(value)
    rig.know(event)
    rig.intake(event)
    rig.intake(event)
    assert rig.records == expected(event, event)


@needs_compiled
def test_an_event_of_another_class_is_left_to_python_and_no_number_is_left_out() -> None:
    rig, event = Rig(), Ping()
    assert rig.intake(event) == "left"
    rig.know(event)
    rig.intake(event)
    again = rig.stamper.stamp()
    [(left, stamp)] = rig.left
    assert left is event
    assert isinstance(stamp, Stamp)
    assert (stamp.uid[18:], again.uid[18:]) == ("00000000", "00000002")
    assert rig.records == expected(event, event)[1:]


@needs_compiled
def test_in_another_process_than_that_of_the_queue_python_is_asked() -> None:
    rig, event = Rig(), Ping()
    rig.know(event)
    rig.intake.begin(append=rig.append, attend=rig.attend, pid=os.getpid() + 1)
    assert rig.intake(event) == "left"
    assert rig.intake(event, rig.stamper.stamp()) == "left"
    assert rig.intake(event, Stamp("by hand", 1)) == "left"
    assert rig.intake(event, rig.stamper.stamp()._replace(pid=2**80)) == "left"
    assert rig.records == []
    assert [stamp.uid[-1] for _, stamp in rig.left] == ["0", "1", "d", "2"]


@needs_compiled
def test_a_stream_of_another_process_begins_anew_in_python() -> None:
    rig, event = Rig(), Ping()
    rig.know(event)
    rig.stamper._stamps.begin(numbers=itertools.count(7), pid=os.getpid() + 1, stream="1" * 8)  # type: ignore[union-attr]
    rig.stamper._stream.pid = -1
    rig.intake(event)
    assert rig.records == expected(event)


@needs_compiled
def test_what_the_queue_says_is_attended_to() -> None:
    rig, event = Rig(), Ping()
    rig.know(event)
    for said in (False, None, True):
        rig.said = said
        rig.intake(event)
    assert [said for _, said in rig.attended] == [False, None]
    assert [record for record, _ in rig.attended] == rig.records[:2]


@needs_compiled
def test_an_event_for_the_journal_gets_a_receipt() -> None:
    rig, event = Rig(), Ping("x")
    put: list[tuple[bytes, Any]] = []
    attended: list[Any] = []

    def try_to_put(*both: Any) -> bool | None:
        put.append(both)
        return True if len(put) < 3 else None

    attend: Callable[..., None] = lambda *all_three: attended.append(all_three)  # noqa: E731
    rig.journaled[Ping] = (rig.encoder.way(event), lambda: "receipt", try_to_put, attend)
    assert rig.intake(event) == rig.intake(event, rig.stamper.stamp()) == rig.intake(event) == "receipt"
    assert put == [(record, "receipt") for record in expected(event, event, event)]
    assert attended == [(*put[2], None)]


@needs_compiled
@pytest.mark.parametrize("failing", ["receipt", "put", "attend"])
def test_where_the_journal_fails_python_gets_the_event_with_the_same_stamp(failing: str) -> None:
    rig, event = Rig(), Ping("x")

    def fail(*_: Any) -> Any:
        raise OSError("no disk")

    make: Callable[..., Any] = fail if failing == "receipt" else lambda: "receipt"
    put: Callable[..., Any] = fail if failing == "put" else lambda *_: False
    rig.journaled[Ping] = (rig.encoder.way(event), make, put, fail)
    assert rig.intake(event) == "left"
    assert rig.left == [(event, FromZero().stamp())]


@needs_compiled
def test_an_interrupt_is_not_taken_for_a_failure() -> None:
    class Interrupted(Ping):
        @property
        def value(self) -> Any:
            raise KeyboardInterrupt

        @value.setter
        def value(self, value: Any) -> None:
            pass

    rig, event = Rig(), Interrupted()
    rig.know(event)
    with pytest.raises(KeyboardInterrupt):
        rig.intake(event)
    rig.journaled[Interrupted] = (rig.ways.pop(Interrupted), lambda: "receipt", lambda *_: True, lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        rig.intake(event)
    assert rig.left == []


@needs_compiled
def test_without_compiled_stamps_it_wants_a_stamp() -> None:
    rig, stamper = Rig(), FromZero(compiled=False)
    intake = INTAKE(rig.leave, stamp=stamper.stamp, ways={}, journaled={})
    assert intake.stamps is None
    assert rig.intake.stamps is rig.stamper.stamp
    with pytest.raises(TypeError, match="needs stamps"):
        intake(Ping())
    with pytest.raises(TypeError, match="needs stamps"):
        rig.intake()
    assert intake(Ping(), stamper.stamp()) == "left"


@needs_compiled
@pytest.mark.parametrize("value", ["text", 10**15, {"a": 1}, ["x"], "x" * 5000])
def test_it_keeps_nothing(value: Any) -> None:
    rig = Rig()
    other, event = Rig(), Ping(value)
    rig.know(event)
    attributes = {"client.address": "192.0.2.1"}
    watched = [value, event, event.created, attributes, Stamp, None]
    with request(attributes):
        for one in (rig, other):
            one.intake(event)
        rig.records.clear()
        other.left.clear()
        gc.collect()
        before = [sys.getrefcount(thing) for thing in watched]
        for _ in range(1000):
            rig.intake(event)
            other.intake(event)
            rig.records.clear()
            other.left.clear()
        gc.collect()
        after = [sys.getrefcount(thing) for thing in watched]
    assert all(abs(count - earlier) < 100 for count, earlier in zip(after, before, strict=True))


AT_THE_END = """
import os, sys
from dataclasses import dataclass
import otel_events
from otel_events import Event
from otel_events.direct import pipeline

pipeline._EXIT_SECONDS = 0.05  # Nobody listens.

@dataclass
class Said(Event):
    name = "said"
    number: int

tracker = otel_events.configure(
    event_types=[Said], pipeline="direct", delivery="memory", endpoint="http://127.0.0.1:9", environ={}
)

class Bye:
    def __init__(self):
        self.tracker, self.event, self.write = tracker, Said, os.write
    def __del__(self):
        self.write(1, b"bye")
        for number in range(3):
            self.tracker.track(self.event(number=number))

tracker.track(Said(number=0))
bye = Bye()

def keeps_globals():
    pass
"""

KEPT_BY = {
    "the program": "",
    "sys": "sys.bye = bye; del bye",
    "a hook": "bye.hook = lambda *_: bye; sys.excepthook = bye.hook",
    "itself": "bye.itself = bye; del bye",
}


@pytest.mark.parametrize("kept", KEPT_BY.values(), ids=KEPT_BY)
def test_what_a_finalizer_tracks_when_the_interpreter_ends_is_no_fault(kept: str) -> None:
    """Modules are gone by then, those that are compiled too, and what is in freed memory is overwritten here."""
    command = [sys.executable, "-X", "faulthandler", "-c", AT_THE_END + kept]
    environ = {**os.environ, "PYTHONMALLOC": "debug"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ)
    # Whether an object is finalized at all that late is up to Python, and to what a thread still holds.
    assert (done.returncode, done.stdout.removesuffix("bye")) == (0, ""), done.stderr
    assert "Fatal" not in done.stderr
