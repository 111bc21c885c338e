"""The straight way gives what conversion gives, byte for byte once decoded, and is taken by events of ordinary values."""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events import Attribute, Event, Personal, Policy, Secret, Stamp
from tests.conversion.test_record import policies
from tests.direct.test_encoder import KEY, STAMP, WithMessage, assert_equal, stamps

UTC = timezone.utc
PSEUDONYMS = Policy(pseudonym_key=KEY)


@dataclass
class Ordinary(Event):
    name = "ordinary"
    namespace = "app"
    version = 3
    one: Any
    two: Any
    password: Any
    secret: Annotated[Any, Secret()]
    mail: Annotated[Any, Personal("pseudonym")]
    phone: Annotated[Any, Personal("drop")]
    table: Annotated[Any, Attribute("db.collection.name")]


@dataclass
class Single(Event):
    name = "single"
    one: Any = None


class Color(enum.Enum):
    RED = "red"
    NONE = None
    HUGE = 2**70
    PAIR = (1, 2)


class Word(str, enum.Enum):
    HELLO = "hello"


class Level(enum.IntEnum):
    LOW = 1


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=600),
    st.sampled_from(["", "a\nb", "tab\t", "\x1b[31m", "\u2028", "é", "\U0001f600", "{x}", "'", "\ud800", "x" * 4096, "x" * 4097]),
    st.decimals(),
    st.uuids(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.sampled_from([*Color, *Word, *Level]),
)  # fmt: skip
sequences = st.one_of(
    st.lists(st.booleans(), max_size=300),
    st.lists(st.integers(-(2**64), 2**64), max_size=10),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300),
    st.lists(st.floats(), max_size=10),
    st.lists(st.text(max_size=20), max_size=20),
    st.lists(st.sampled_from(["token", "password", "x" * 2000, "\ud800", "\n", '"', "\x7f"]), max_size=3),
    st.lists(scalars, max_size=3),
)
values = scalars | sequences | sequences.map(tuple)
actors = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.sampled_from(["a\nb", "\x7f", "\ud800", "x" * 200, "x" * 2000]),
    st.dictionaries(st.sampled_from(["id", "name", "username", "email", "roles", "token", "team"]), values, max_size=5),
)


@given(st.lists(values, min_size=7, max_size=7), actors, stamps, policies)
def test_it_gives_what_conversion_gives(many: list[Any], actor: Any, stamp: Stamp, policy: Policy) -> None:
    assert_equal(Ordinary(*many, actor=actor), stamp, policy)


@given(values, actors, stamps, policies, st.datetimes(timezones=st.just(UTC)))
def test_messages_are_filled_in_alike(value: Any, actor: Any, stamp: Stamp, policy: Policy, created: datetime) -> None:
    assert_equal(WithMessage(value, "x", actor=actor, created=created), stamp, policy)


@given(st.lists(values, min_size=1, max_size=1), actors)
def test_what_is_kept_ready_from_earlier_events_changes_no_later_one(many: list[Any], actor: Any) -> None:
    for value in (*many, None, *many):
        for who in (actor, "alice", actor):
            assert_equal(Single(value, actor=who), STAMP, Policy())


@pytest.mark.parametrize(
    "value",
    [
        *("", "text", "two\nlines", "é" * 300, "x" * 4096, 0, 255, 256, -1, 2**63 - 1, -(2**63), 0.0, -0.0, 1e300),
        *(math.nan, math.inf, True, False, None, Decimal("9.99"), UUID(int=5), datetime(2026, 1, 1), date(2026, 1, 1)),
        *(time(12, 30), timedelta(1), Color.RED, Color.NONE, Word.HELLO, Level.LOW),
    ],
)
def test_ordinary_values_are_taken(value: Any) -> None:
    event = Ordinary(
        value, value, value, value, "a@b", value, value, actor={"id": "alice", "name": "Alice", "token": 1}
    )
    assert assert_equal(event, STAMP._replace(request={"url.path": "/"}), PSEUDONYMS)


@pytest.mark.parametrize(
    "value",
    [
        *(
            [],
            [1],
            ["a"],
            ("a", "b"),
            ["é", ""],
            [True, False],
            [1.5, -0.0],
            [math.nan, math.inf],
            [2**63 - 1, -(2**63)],
        ),
        *(["x" * 4080], [0] * 256, ["a\nb", "\x7f", '"'], ("name", "value")),
    ],
)
def test_sequences_of_one_type_are_taken(value: Any) -> None:
    assert assert_equal(Single(value), STAMP, Policy())


@pytest.mark.parametrize(
    "value",
    [
        *("x" * 4097, "\ud800", 2**63, {"a": 1}, b"x", object, {1, 2}, Color.HUGE, Color.PAIR),
        *([1, "a"], [None], [1, True], [2**63], ["x" * 4081], [0] * 257, [[1]], [b"x"], ["\ud800"]),
        *(["token", "abc"], ("password", "")),
    ],
)
def test_other_values_are_converted_first(value: Any) -> None:
    assert not assert_equal(Single(value), STAMP, PSEUDONYMS)


@pytest.mark.parametrize("actor", [None, "alice", {"id": 5}, {"id": None}, {"name": "Al"}, {"id": "a", "name": None}])
@pytest.mark.parametrize("policy", ["full", "id", "pseudonym", "none"])
def test_actors_are_taken(actor: Any, policy: Any) -> None:
    event = Single(1, actor=actor)
    for _ in range(2):
        assert assert_equal(event, STAMP, Policy(actor=policy, pseudonym_key=KEY))


@pytest.mark.parametrize(
    ("created", "taken"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), True),
        (datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), True),
        (datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC), True),
        (datetime(2262, 4, 11, 23, 47, 15, 999_999, tzinfo=UTC), True),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), False),
        (datetime(2262, 4, 11, 23, 47, 16, 854_776, tzinfo=UTC), False),
        (datetime.min.replace(tzinfo=UTC), False),
        (datetime.max.replace(tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), True),  # an Event brings it to UTC
        ("yesterday", False),
        (None, False),
    ],
)
def test_times_that_64_bits_hold_are_taken(created: Any, taken: bool) -> None:
    assert assert_equal(Single(1, created=created), STAMP, Policy()) is taken
    if isinstance(created, datetime):
        for later in (timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=1)):
            if created < datetime(9000, 1, 1, tzinfo=UTC):
                assert_equal(Single(1, created=created + later), STAMP, Policy())


def test_a_line_that_is_too_long_is_cut() -> None:
    assert assert_equal(Ordinary(*["x" * 2000] * 7), STAMP, PSEUDONYMS)
    assert assert_equal(WithMessage("\n" * 4096, 1), STAMP, PSEUDONYMS)


def test_a_name_that_code_would_read_as_another_is_read_as_it_is() -> None:
    """Python reads the ligature in code as the two letters, of which the field is secret here."""
    made: Any = dataclasses.make_dataclass("Made", [("fi", Annotated[str, Secret()]), "ﬁ"], bases=(Single,), init=False)
    event = made()
    event.__dict__ |= {"fi": "hidden", "ﬁ": "shown", "actor": None, "created": datetime(2026, 1, 1, tzinfo=UTC)}
    assert assert_equal(event, STAMP, Policy())


def test_classes_with_what_it_does_not_know_are_converted() -> None:
    @dataclass
    class TwoOfOneKey(Event):
        name = "two-of-one-key"
        one: Annotated[int, Attribute("key")] = 1
        two: Annotated[int, Attribute("key")] = 2

    @dataclass
    class WithIdentity(Event):
        name = "with-identity"
        one: Annotated[int, Attribute("user.name")] = 1

    @dataclass
    class ByItself:
        name: str = "each its own"
        created: str = ""

    many: Any = dataclasses.make_dataclass("Many", [(f"f{n}", int, n) for n in range(91)], bases=(Single,))
    for event in (TwoOfOneKey(), WithIdentity(), ByItself(), many()):
        assert not assert_equal(event, STAMP, Policy())
