"""The compiled way gives what the way in Python gives, byte for byte, and keeps nothing of what it was given."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_events import Event, Personal, Policy, Secret, Stamp
from otel_events.conversion.plan import Plan
from otel_events.definition import read
from otel_events.direct import compiled as ways
from otel_events.direct import straight
from otel_events.direct.places import UnusualError
from otel_events.direct.straight import Straight, StraightWays
from tests.conversion.test_record import policies
from tests.direct.test_encoder import STAMP, WithMessage, stamps
from tests.direct.test_straight import Ordinary, Single, actors, values

UTC = timezone.utc

needs_compiled = pytest.mark.skipif(
    not ways.IS_COMPILED and os.environ.get("REQUIRE_BACKENDS") != "1",
    reason="the extension module is not built: no C compiler was there when this was installed",
)


@dataclass
class Plain(Event):
    name = "plain"
    namespace = "app"
    version = 2
    one: Any = None
    two: Any = None
    password: Any = None
    phone: Annotated[Any, Personal("drop")] = None


@dataclass
class Told(Event):
    name = "told"
    message = "{actor} did {one} ({two}, {one}) at {name}"
    one: Any = None
    two: Annotated[Any, Secret()] = None


def leave(event: Any, stamp: Stamp) -> bytes:
    """Stand where conversion does."""
    raise UnusualError


def way_of(cls: type, policy: Policy, *, compiled: bool) -> Straight:
    return StraightWays(policy, compiled=compiled).of(Plan(read(cls), policy), leave)


def outcome(way: Straight, event: Any, stamp: Stamp) -> bytes | type[Exception]:
    try:
        return way(event, stamp)
    except Exception as error:
        return type(error)


def assert_alike(event: Any, stamp: Stamp, policy: Policy) -> bytes | type[Exception]:
    python, way = (way_of(type(event), policy, compiled=compiled) for compiled in (False, True))
    for _ in range(2):  # What is kept of the first time must not change the second.
        expected = outcome(python, event, stamp)
        assert outcome(way, event, stamp) == expected
    return expected


def test_it_is_built_where_there_is_a_compiler() -> None:
    assert ways.IS_COMPILED or not shutil.which("cc"), "there is a C compiler: install this again"


@needs_compiled
@given(values, values, actors, stamps, policies, st.datetimes(timezones=st.just(UTC)))
def test_it_gives_what_python_gives(
    one: Any, two: Any, actor: Any, stamp: Stamp, policy: Policy, created: datetime
) -> None:
    assert_alike(Plain(one, two, "secret", "1234", actor=actor, created=created), stamp, policy)
    assert_alike(Told(one, two, actor=actor, created=created), stamp, policy)
    assert_alike(WithMessage(one, two, actor=actor, created=created), stamp, policy)


@needs_compiled
@given(st.lists(values, min_size=7, max_size=7), actors, stamps, policies)
def test_fields_of_each_treatment_are_alike(many: list[Any], actor: Any, stamp: Stamp, policy: Policy) -> None:
    assert_alike(Ordinary(*many, actor=actor), stamp, policy)


@needs_compiled
@given(
    st.text(st.characters(max_codepoint=127), max_size=40), st.sampled_from("\0\x1f\x7e\x7f \x80"), st.integers(0, 40)
)
def test_characters_that_cannot_be_shown_are_seen_wherever_they_stand(text: str, other: str, at: int) -> None:
    assert_alike(Single(text[:at] + other + text[at:]), STAMP, Policy())


@needs_compiled
@given(
    st.floats()
    | st.decimals(-(10**12), 10**12, places=2).map(float)
    | st.decimals(-(10**7), 10**7, places=5).map(float)
    | st.integers(-(10**17), 10**17).map(float)
)
@example(9.99)
@example(0.1)
@example(0.001)
@example(0.0009999)
@example(99999999999.9999)
@example(99999999999.99999)
@example(1e11)
@example(0.30000000000000004)
@example(-1234.5)
@example(-0.0)
@example(5e-324)
def test_a_number_is_written_in_the_line_as_python_writes_it(number: float) -> None:
    record = assert_alike(Single(number, created=datetime(2026, 1, 1, tzinfo=UTC)), STAMP, Policy())
    assert isinstance(record, bytes)
    assert f"one={number!r}".encode() in record


@needs_compiled
@pytest.mark.parametrize(
    "created",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2000, 2, 29, 12, 30, 1, 5, tzinfo=UTC),
        datetime(2100, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2261, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2262, 1, 1, tzinfo=UTC),
        datetime(2262, 4, 11, 23, 47, 16, 854_776, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=UTC),
    ],
)
def test_times_at_the_bounds_are_alike(created: datetime) -> None:
    for later in (timedelta(), timedelta(microseconds=1), timedelta(days=59)):
        if created < datetime(9999, 1, 1, tzinfo=UTC):
            assert_alike(Single(1, created=created + later), STAMP, Policy())


@needs_compiled
@pytest.mark.parametrize("uid", ["", "x", "é" * 200, "\ud800", None, b"x"])
@pytest.mark.parametrize("observed_ns", [0, 1, 2**64 - 1, 2**64, -1, 1.5, None])
def test_strange_stamps_are_alike(uid: Any, observed_ns: Any) -> None:
    assert_alike(Single(1), STAMP._replace(uid=uid, observed_ns=observed_ns), Policy())


@needs_compiled
@pytest.mark.parametrize(
    "request_of", [{}, {"url.path": "/x"}, {"app.one": 1}, {"user.id": "x"}, {1: 2}, {"url.path": object()}, [1], None]
)
def test_requests_are_alike(request_of: Any) -> None:
    assert_alike(Plain(1, 2, actor={"id": "alice"}), STAMP._replace(request=request_of), Policy())


@needs_compiled
def test_an_event_of_common_values_needs_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    event = Plain("text", 2.5, "secret", "1234", actor={"id": "alice"})
    expected = way_of(Plain, Policy(), compiled=False)(event, STAMP)

    def refuse(event: Any, stamp: Stamp) -> bytes:
        raise AssertionError("it was left to Python")

    def without_python(plan: Plan, python: Straight, names: Any, labels: Any) -> Straight:
        names["person"]("alice")  # who is known from now on
        return ways.compiled(plan, refuse, names, labels)

    monkeypatch.setattr(straight, "compiled", without_python)
    assert way_of(Plain, Policy(), compiled=True)(event, STAMP) == expected


@needs_compiled
@pytest.mark.parametrize("event", [Single({"a": 1}), Single("\ud800"), Single(2**64), object(), None])
def test_what_neither_can_do_is_left_to_conversion(event: Any) -> None:
    with pytest.raises(UnusualError):
        way_of(Single, Policy(), compiled=True)(event, STAMP)


@needs_compiled
def test_it_takes_an_event_and_a_stamp() -> None:
    with pytest.raises(TypeError, match="two arguments"):
        way_of(Single, Policy(), compiled=True)(Single(1))  # type: ignore[call-arg]


@needs_compiled
def test_an_interrupt_while_it_reads_a_field_is_not_taken_for_a_strange_value() -> None:
    class Interrupted(Single):
        @property
        def one(self) -> Any:
            raise KeyboardInterrupt

        @one.setter
        def one(self, value: Any) -> None:
            pass

    way = way_of(Single, Policy(), compiled=True)
    with pytest.raises(KeyboardInterrupt):
        way(Interrupted(1), STAMP)


@needs_compiled
@pytest.mark.parametrize("value", ["text" * 2000, "text", "é", 10**15, 2.25, ["a" * 50], {"a": 1}, b"x", "\n"])
def test_it_keeps_nothing(value: Any) -> None:
    way = way_of(Plain, Policy(), compiled=True)
    actor = {"id": "alice-" * 3}
    event = Plain(value, [value], actor=actor)
    stamp = STAMP._replace(request={"url.path": "/"})
    watched = [value, actor, actor["id"], event, event.created, stamp, stamp.uid, stamp.request]
    outcome(way, event, stamp)  # What is kept ready is kept now.
    gc.collect()
    before = [sys.getrefcount(one) for one in watched]
    for _ in range(100):
        outcome(way, event, stamp)
    gc.collect()
    assert [sys.getrefcount(one) for one in watched] == before


@needs_compiled
def test_a_way_that_is_in_a_cycle_is_collected() -> None:
    ways = StraightWays(Policy())
    way: Any = ways.of(Plan(read(Single), Policy()), leave)
    before = sys.getrefcount(type(way))
    way(Single(1), STAMP)
    people = ways._actors.people
    people["self"] = way
    del way, ways, people
    gc.collect()
    way = way_of(Single, Policy(), compiled=True)
    assert sys.getrefcount(type(way)) <= before + 1


@needs_compiled
def test_threads_may_share_it() -> None:
    way = way_of(Plain, Policy(), compiled=True)
    python = way_of(Plain, Policy(), compiled=False)
    events = [Plain("x" * number, number / 7, actor=f"actor-{number % 5}") for number in range(200)]
    expected = [python(event, STAMP) for event in events]
    wrong: list[int] = []

    def encode() -> None:
        for _ in range(20):
            wrong.extend(number for number, event in enumerate(events) if way(event, STAMP) != expected[number])

    threads = [threading.Thread(target=encode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
