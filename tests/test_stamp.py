"""A uid is a ULID of time, stream and count: unique over threads, in the order of tracking, and of a new stream after a fork."""

from __future__ import annotations

import gc
import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import attach, detach, set_value
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from otel_events import request
from otel_events.stamp import Stamp, Stamper, Stream


@pytest.fixture(autouse=True, scope="module", params=["compiled", "python"])
def compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both do the same; without a C compiler there is but the one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stamper.__init__, "__kwdefaults__", {"compiled": request.param == "compiled"})
        yield


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID = re.compile(rf"[0-7][{ALPHABET}]{{25}}")


def number(text: str) -> int:
    """Read a number in Crockford's base 32."""
    result = 0
    for character in text:
        result = result * 32 + ALPHABET.index(character)
    return result


@given(st.integers(0, 2**48 * 1_000_000 - 1))
def test_a_uid_is_a_ulid_of_time_stream_and_count(now_ns: int) -> None:
    stamper = Stamper(lambda: now_ns)
    for count in range(3):
        stamp = stamper.stamp()
        assert ULID.fullmatch(stamp.uid)
        assert number(stamp.uid[:10]) == now_ns // 1_000_000
        assert stamp.uid[10:18] == stamper.stream
        assert number(stamp.uid[18:]) == count
        assert stamp.observed_ns == now_ns


@pytest.mark.parametrize(("now_ns", "text"), [(0, "0000000000"), (1_469_918_176_385 * 1_000_000, "01ARYZ6S41")])
def test_the_time_is_written_as_in_the_specification_of_ulids(now_ns: int, text: str) -> None:
    assert Stamper(lambda: now_ns).stamp().uid[:10] == text


@pytest.mark.parametrize("now_ns", [-1, 2**48 * 1_000_000, 2**70])
def test_a_clock_that_is_out_of_its_mind_makes_a_ulid_all_the_same(now_ns: int) -> None:
    assert ULID.fullmatch(Stamper(lambda: now_ns).stamp().uid)


def test_the_time_is_that_of_the_clock() -> None:
    before = time.time_ns()
    stamp = Stamper().stamp()
    assert before <= stamp.observed_ns <= time.time_ns()


def test_the_count_stays_within_its_40_bits() -> None:
    class Late(Stamper):
        def _new_stream(self) -> Stream:
            return Stream(os.getpid(), "0" * 8, itertools.count(2**40 - 1))

    stamper = Late(lambda: 0)
    assert [stamper.stamp().uid[18:] for _ in range(2)] == ["ZZZZZZZZ", "00000000"]


def test_each_stamper_has_a_stream_of_its_own() -> None:
    streams = {Stamper().stream for _ in range(200)}
    assert len(streams) == 200
    assert all(re.fullmatch(f"[{ALPHABET}]{{8}}", stream) for stream in streams)
    assert len({stream[0] for stream in streams}) > 20


def test_uids_sort_in_the_order_of_tracking() -> None:
    stamper = Stamper()
    uids = [stamper.stamp().uid for _ in range(10_000)]
    assert uids == sorted(uids)
    assert len(set(uids)) == len(uids)


def test_uids_are_unique_and_without_gaps_over_threads() -> None:
    stamper = Stamper()
    uids: list[str] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        uids.extend([stamper.stamp().uid for _ in range(2_000)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({uid[10:18] for uid in uids}) == 1
    assert sorted(number(uid[18:]) for uid in uids) == list(range(16_000))


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_has_a_stream_of_its_own_from_its_first_event_on() -> None:
    """Also where several threads of the child come at once; the parent counts on."""
    uids = run("""
        import os, threading
        from otel_events.stamp import Stamper

        stamper = Stamper()
        print(stamper.stamp().uid, flush=True)
        for _ in range(5):
            child = os.fork()
            if child == 0:
                lines = []
                barrier = threading.Barrier(4)

                def work():
                    barrier.wait()
                    lines.extend([stamper.stamp().uid for _ in range(50)])

                threads = [threading.Thread(target=work) for _ in range(4)]
                [thread.start() for thread in threads]
                [thread.join() for thread in threads]
                os.write(1, "".join(line + "\\n" for line in lines).encode())
                os._exit(0)
            os.waitpid(child, 0)
        print(stamper.stamp().uid)
    """).split()
    parent, *children, again = uids
    assert len(children) == 5 * 200
    assert len(set(uids)) == len(uids)
    assert (number(parent[18:]), number(again[18:])) == (0, 1)
    assert parent[10:18] == again[10:18]
    assert parent[10:18] not in {uid[10:18] for uid in children}
    assert len({uid[10:18] for uid in children}) >= 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_that_c_code_forks_off_has_a_stream_of_its_own() -> None:
    """Python knows nothing of such a fork, and runs none of what is registered for it."""
    uids = run("""
        import ctypes, os
        from otel_events.stamp import Stamper

        stampers = [Stamper(), Stamper()]
        for stamper in stampers:
            print(stamper.stamp().uid, flush=True)
        child = ctypes.PyDLL(None).fork()
        if child == 0:
            for stamper in stampers:
                os.write(1, (stamper.stamp().uid + "\\n").encode())
            os._exit(0)
        os.waitpid(child, 0)
        for stamper in stampers:
            print(stamper.stamp().uid)
    """).split()
    assert len({uid[10:18] for uid in uids}) == 4
    assert [uid[10:18] for uid in uids[:2]] == [uid[10:18] for uid in uids[4:]]
    assert [number(uid[18:]) for uid in uids] == [0, 0, 0, 0, 1, 1]


def test_the_stream_that_is_shown_is_that_of_the_process() -> None:
    stamper = Stamper()
    stamper._stream.pid = -1
    assert stamper.stream == stamper.stamp().uid[10:18]


def test_how_many_numbers_were_given_out_is_told_without_giving_one_out() -> None:
    stamper = Stamper()
    for count in range(100):
        assert stamper.emitted == stamper.emitted == count
        assert number(stamper.stamp().uid[18:]) == count
    stamper._stream.pid = -1  # as in a child
    assert stamper.emitted == 0
    assert number(stamper.stamp().uid[18:]) == 0


@pytest.mark.parametrize("first", [0, 1, 2**20 - 2, 2**40 - 1, 2**62])
def test_numbers_are_counted_from_the_first(first: int) -> None:
    class Elsewhere(Stamper):
        def _new_stream(self) -> Stream:
            return Stream(os.getpid(), "0" * 8, itertools.count(first))

    stamper = Elsewhere(lambda: 0)
    uids = [stamper.stamp().uid for _ in range(5)]
    assert [number(uid[18:]) for uid in uids] == [(first + later) % 2**40 for later in range(5)]
    assert stamper.emitted == 5


def test_a_stamp_has_the_active_span_and_the_request() -> None:
    stamper = Stamper()
    nothing = stamper.stamp()
    assert nothing[2:] == (0, 0, 0, {}, os.getpid())
    context = SpanContext(2**100, 2**50, is_remote=False, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(context)), request({"client.address": "192.0.2.1"}):
        stamp = stamper.stamp()
    assert stamp[2:] == (2**100, 2**50, 1, {"client.address": "192.0.2.1"}, os.getpid())
    assert type(stamp.trace_flags) is int


def test_a_context_without_a_span_gives_none() -> None:
    token = attach(set_value("something", "else"))
    try:
        assert Stamper().stamp()[2:5] == (0, 0, 0)
    finally:
        detach(token)


def test_a_context_implementation_of_the_applications_own_is_asked() -> None:
    """The OpenTelemetry API takes one by the entry point that ``OTEL_PYTHON_CONTEXT`` names."""
    out = run("""
        from opentelemetry import context, trace
        from opentelemetry.context.context import Context, _RuntimeContext

        class Own(_RuntimeContext):
            current = Context()
            def attach(self, new):
                before, Own.current = Own.current, new
                return before
            def get_current(self):
                return Own.current
            def detach(self, token):
                Own.current = token

        context._RUNTIME_CONTEXT = Own()
        from otel_events.stamp import Stamper

        span = trace.NonRecordingSpan(trace.SpanContext(5, 7, is_remote=False))
        stamper = Stamper()
        with trace.use_span(span):
            print(*stamper.stamp()[2:5])
        print(*stamper.stamp()[2:5])
    """)
    assert out.split("\n")[:2] == ["5 7 0", "0 0 0"]


def test_a_stamp_can_be_made_by_hand() -> None:
    stamp = Stamp("uid", 1)
    assert stamp == ("uid", 1, 0, 0, 0, {}, 0)


@pytest.mark.parametrize("make", [Stamper, lambda: Stamper(lambda: 0)])
def test_stamping_is_quick(make: Callable[[], Any]) -> None:
    stamper = make()
    begin = time.process_time()
    for _ in range(2_000):
        stamper.stamp()
    assert time.process_time() - begin < 0.2  # 100 µs each, many times what it takes


def test_a_stamper_is_collected_with_what_stamps_for_it() -> None:
    stamper = Stamper()
    stamper.stamp()
    gone = weakref.ref(stamper)
    del stamper
    gc.collect()
    assert gone() is None


def test_stamping_keeps_nothing() -> None:
    stamper = Stamper()
    attributes = {"client.address": "192.0.2.1"}
    with request(attributes):
        before = sys.getrefcount(attributes), sys.getrefcount(Stamp)
        for _ in range(1000):
            stamper.stamp()
        assert (sys.getrefcount(attributes), sys.getrefcount(Stamp)) == before


def test_it_is_used_where_there_is_a_compiler() -> None:
    assert "stamp" in vars(Stamper(compiled=True)) or not shutil.which("cc"), (
        "there is a C compiler: install this again"
    )
    assert "stamp" not in vars(Stamper(compiled=False))
