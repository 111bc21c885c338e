"""Each kind of value becomes what the table of values says, whatever a subclass overrides; cuts and failures are counted."""

from __future__ import annotations

import collections
import enum
import functools
import math
import numbers
import types
import weakref
from array import array
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from otel_events import Policy
from otel_events.conversion.room import (
    MAX_CHARACTERS,
    MAX_FIELD_CHARACTERS,
    MAX_FIELD_ITEMS,
    MAX_ITEMS,
    MAX_RECORD_CHARACTERS,
    Losses,
)
from otel_events.conversion.values import Walk
from otel_events.privacy import REDACTED
from tests import strategies
from tests.strategies import Bits, Box, Color, FrozenBox, Level, Point, SlotBox, Word

HOURS = timedelta(hours=1)


def plain(value: Any, policy: Policy | None = None) -> tuple[Any, Losses]:
    losses = Losses()
    return Walk(policy or Policy(), losses).field(value, "key"), losses


def counts(losses: Losses) -> tuple[int, int, int]:
    return losses.cut, losses.dropped, losses.failed


# -- the table -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("", ""),
        ("a\x00b", "a\x00b"),
        (True, True),
        (False, False),
        (0, 0),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (1.5, 1.5),
        (-0.0, -0.0),
        (math.inf, math.inf),
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        (memoryview(array("h", [1, 2])), b"\x01\x00\x02\x00"),
        (None, None),
        (datetime(2024, 2, 29, 1, 2, 3, 4), "2024-02-29T01:02:03.000004"),
        (datetime(2024, 2, 29, tzinfo=timezone.utc), "2024-02-29T00:00:00+00:00"),
        (datetime(2024, 2, 29, tzinfo=timezone(-5 * HOURS)), "2024-02-29T00:00:00-05:00"),
        (date(2024, 2, 29), "2024-02-29"),
        (time(1, 2), "01:02:00"),
        (timedelta(hours=1, milliseconds=5), 3600.005),
        (-timedelta(seconds=1), -1.0),
        (Decimal("9.90"), "9.90"),
        (Decimal("NaN"), "NaN"),
        (Decimal("1E+999999"), "1E+999999"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (PureWindowsPath("c:/x"), "c:\\x"),
        (Color.TEXT, "red"),
        (Color.HUGE, str(2**80)),
        (Color.NOTHING, None),
        (Color.TUPLE, [1, "two"]),
        (Level.LOW, 1),
        (Word.HELLO, "hello"),
        (Bits.A | Bits.B, 3),
        ({"a": 1, "b": {"c": None}}, {"a": 1, "b": {"c": None}}),
        (Box(1), {"inner": 1, "label": "box"}),
        (FrozenBox(Box(1)), {"inner": {"inner": 1, "label": "box"}}),
        (SlotBox(1), {"inner": 1, "unset": None}),
        (Point(1, "y"), {"x": 1, "y": "y"}),
        (strategies.AttrsLike(1), {"inner": 1, "missing": None}),
        (types.SimpleNamespace(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.ChainMap({"a": 1}, {"a": 2, "b": 3}), {"a": 1, "b": 3}),
        (collections.UserDict({"a": 1}), {"a": 1}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        ([1, 2], [1, 2]),
        ((1, "a", None), [1, "a", None]),
        (collections.deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({1, "a", None, (2,)}, [None, 1, [2], "a"]),
        ({"b": 1, "a": 2}.keys(), ["b", "a"]),
        ({"b": 1, "a": 2}.values(), [1, 2]),
        ({"b": 1, "a": 2}.items(), [["b", 1], ["a", 2]]),
        (collections.UserString("text"), "text"),
        (Fraction(1, 3), "1/3"),
        (1 + 2j, "(1+2j)"),
        (ValueError("why"), "why"),
        (KeyError("key"), "'key'"),
        (int, "<class 'int'>"),
        (..., "Ellipsis"),
    ],
)
def test_the_table_of_values(value: Any, expected: Any) -> None:
    result, losses = plain(value)
    assert repr(result) == repr(expected)
    assert counts(losses) == (0, 0, 0)


def test_not_a_number_stays_none() -> None:
    assert math.isnan(plain(math.nan)[0])


class Overriding:
    """Methods that would make something else of a value."""

    def __str__(self) -> str:
        return "a lie"

    __repr__ = isoformat = __format__ = __str__  # type: ignore[assignment]

    def __len__(self) -> int:
        return 10**6

    def __iter__(self) -> Any:
        return iter("lie")

    def __getitem__(self, name: Any) -> Any:
        return "a lie"

    def __pos__(self) -> int:
        return 10**30

    def total_seconds(self) -> str:
        return "a lie"

    def items(self) -> Any:
        return {"a": "lie"}.items()


def overriding(base: type, *arguments: Any) -> Any:
    return type("Overridden", (Overriding, base), {})(*arguments)


@pytest.mark.parametrize(
    ("base", "arguments", "expected"),
    [
        (str, ("text",), "text"),
        (int, (7,), 7),
        (int, (2**70,), str(2**70)),
        (float, (1.5,), 1.5),
        (bytes, (b"ab",), b"ab"),
        (bytearray, (b"ab",), b"ab"),
        (datetime, (2024, 2, 29), "2024-02-29T00:00:00"),
        (date, (2024, 2, 29), "2024-02-29"),
        (time, (1, 2), "01:02:00"),
        (timedelta, (1,), 86400.0),
        (Decimal, ("1.50",), "1.50"),
        (UUID, ("00000000-0000-0000-0000-000000000001",), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath, ("/a",), "/a"),
        (dict, ({"a": 1},), {"a": 1}),
        (list, ([1, 2],), [1, 2]),
        (tuple, ((1, 2),), [1, 2]),
        (set, ({1, 2},), [1, 2]),
        (collections.deque, ([1, 2],), [1, 2]),
    ],
)
def test_a_subclass_is_read_past_what_it_overrides(base: type, arguments: tuple[Any, ...], expected: Any) -> None:
    result, losses = plain(overriding(base, *arguments))
    assert type(result) is type(expected)
    assert result == expected
    assert counts(losses) == (0, 0, 0)


def test_the_members_of_an_enum_are_their_values_all_the_way() -> None:
    class Outer(enum.Enum):
        INNER = Color.HUGE

    assert plain([Outer.INNER])[0] == [str(2**80)]


class Int64:
    """As NumPy has whole numbers."""

    def __index__(self) -> int:
        return 7


class Float32:
    """As NumPy has numbers."""

    def __float__(self) -> float:
        return 1.5


numbers.Integral.register(Int64)
numbers.Real.register(Float32)


class ObjectArray:
    """As NumPy has arrays of any objects, which cannot be looked through."""

    dtype = types.SimpleNamespace(hasobject=True)

    def __str__(self) -> str:
        return "[1 2]"


class NumberArray(ObjectArray):
    dtype = types.SimpleNamespace(hasobject=False)


def test_numbers_of_other_libraries_are_numbers_and_their_arrays_texts() -> None:
    assert plain([Int64(), Int64()])[0] == [7, 7]
    assert plain(Float32())[0] == 1.5
    assert plain(NumberArray())[0] == "[1 2]"
    assert plain(ObjectArray())[0] == REDACTED


# -- what raises -----------------------------------------------------------------------------------------------------------


class RaisingText:
    def __str__(self) -> str:
        raise ValueError

    __repr__ = __str__


class HostileMeta(type):
    def __hash__(cls) -> int:
        raise ValueError

    def __eq__(cls, other: object) -> bool:
        raise ValueError


class HostileClass(metaclass=HostileMeta):
    pass


class LyingText:
    def __str__(self) -> str:
        return 1  # type: ignore[return-value]


class Nothing:
    """Every attribute of it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError(name)


class HalfMapping(collections.UserDict[str, int]):
    def __getitem__(self, name: str) -> int:
        if name == "bad":
            raise OSError
        return super().__getitem__(name)


class HalfSequence(collections.UserList[int]):
    def __iter__(self) -> Any:
        yield from (1, 2)
        raise OSError


class BrokenMapping(collections.UserDict[str, int]):
    """Raises after so many names."""

    def __init__(self, names: int) -> None:
        super().__init__(a=1, b=2)
        self.names = names

    def __iter__(self) -> Any:
        yield from list(self.data)[: self.names]
        raise OSError


class BrokenSequence(collections.UserList[int]):
    def __iter__(self) -> Any:
        raise OSError


@dataclass
class HalfDataclass:
    good: int = 1
    bad: int = field(init=False, default=0)

    def __getattribute__(self, name: str) -> Any:
        if name == "bad":
            raise OSError
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (RaisingText(), "<unreadable RaisingText>"),
        (LyingText(), "<unreadable LyingText>"),
        (HostileClass(), "<unreadable HostileClass>"),
        ([1, RaisingText()], [1, "<unreadable RaisingText>"]),
        ({"a": RaisingText(), "b": 1}, {"a": "<unreadable RaisingText>", "b": 1}),
        (HalfMapping(good=1, bad=2, other=3), {"good": 1, "bad": "<unreadable>", "other": 3}),
        (HalfDataclass(), {"good": 1, "bad": "<unreadable>"}),
        (HalfSequence([7]), [1, 2]),
        (BrokenMapping(1), {"a": 1}),
        (BrokenMapping(0), "<unreadable BrokenMapping>"),
        (BrokenSequence([7]), "<unreadable BrokenSequence>"),
        (datetime(2024, 1, 1, tzinfo=strategies.Zone("lie")), "<unreadable datetime>"),
    ],
)
def test_one_bad_value_costs_that_value_and_is_counted(value: Any, expected: Any) -> None:
    result, losses = plain(value)
    assert result == expected
    assert counts(losses) == (0, 0, 1)


def test_an_object_whose_every_attribute_raises_is_unreadable() -> None:
    assert plain(Nothing())[0] == "<unreadable Nothing>"


@given(strategies.values())
def test_whatever_it_is_it_becomes_plain_data(value: Any) -> None:
    assert_plain(plain(value)[0])


def assert_plain(data: Any, depth: int = 0) -> None:
    assert depth <= 20
    assert type(data) in (str, bool, int, float, bytes, type(None), list, dict)
    if type(data) is dict:
        for name, item in data.items():
            assert type(name) is str
            assert 0 < len(name) <= 256
            assert_plain(item, depth + 1)
    elif type(data) is list:
        for item in data:
            assert_plain(item, depth + 1)


# -- limits ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x" * 4097, "é" * 5000, "\ud800" * 5000, "😀" * 4097])
def test_a_text_is_cut_at_4096_characters(text: str) -> None:
    result, losses = plain(text)
    assert len(result) == 4096
    assert result.endswith("…")
    assert losses.cut == 1
    assert plain("x" * 4096)[1].cut == 0


@pytest.mark.parametrize(
    "value", [b"x" * 5000, bytearray(5000), memoryview(bytes(10_000))[::2], memoryview(array("d", [0] * 1000))]
)
def test_bytes_are_cut_at_4096(value: Any) -> None:
    result, losses = plain(value)
    assert type(result) is bytes
    assert len(result) == 4096
    assert losses.cut == 1


def test_a_number_without_end_is_described() -> None:
    result, losses = plain(10**5000)
    assert result == f"(a number of {(10**5000).bit_length()} bits)"
    assert losses.cut == 1


@pytest.mark.parametrize(
    ("text", "expected"), [("a\ud800b", "a\ufffdb"), ("\udc80", "\ufffd"), ("\ud83d\ude00", "😀"), ("é", "é")]
)
def test_lone_surrogates_are_replaced(text: str, expected: str) -> None:
    assert plain(text)[0] == expected
    assert plain({text: [text]})[0] == {expected: [expected]}


@pytest.mark.parametrize("value", [[0] * 1025, dict.fromkeys(range(1025), 0), set(range(1025)), range(10**30)])
def test_a_sequence_or_mapping_is_cut_at_1024_items(value: Any) -> None:
    result, losses = plain(value)
    assert len(result) == MAX_ITEMS == 1024
    assert losses.cut == 1


def test_a_field_holds_at_most_4096_items_and_65536_characters_in_all() -> None:
    def items(data: Any) -> int:
        return sum(1 + items(item) for item in data) if isinstance(data, list) else 0

    many, losses = plain([[1] * 100] * 1000)
    assert MAX_FIELD_CHARACTERS / 16 - 100 <= items(many) <= MAX_FIELD_ITEMS
    assert losses.cut
    long, losses = plain(["x" * 4000] * 100)
    assert sum(map(len, long)) <= MAX_FIELD_CHARACTERS == 65_536
    assert long[:16] == ["x" * 4000] * 16
    assert set(long[16:]) == {"…"}
    assert losses.cut


def test_what_is_too_long_for_the_room_that_is_left_does_not_cost_what_is_short() -> None:
    result, _ = plain(["x" * 4000] * 16 + ["y" * 4000, "short"])
    assert result[16:] == ["…", "short"]


def test_each_field_has_room_of_its_own_until_the_record_has_none() -> None:
    losses = Losses()
    walk = Walk(Policy(), losses)
    fields = [walk.field(["x" * 4000] * 16, "key") for _ in range(10)]
    lengths = [sum(len(text) for text in one) for one in fields]
    assert lengths[:8] == [64_000] * 8
    assert sum(lengths) <= MAX_RECORD_CHARACTERS == 128 * MAX_CHARACTERS
    assert lengths[-1] < 100
    assert losses.cut


def test_what_is_nested_deeper_than_16_is_cut() -> None:
    nested: Any = "in"
    for _ in range(16):
        nested = [nested]
    assert "in" in str(plain(nested)[0])
    result, losses = plain([nested])
    assert "in" not in str(result)
    assert losses.cut == 1


def test_what_holds_itself_has_an_end() -> None:
    value: list[Any] = [1]
    value += [value, {"up": value}]
    result, losses = plain(value)
    assert result[:1] == [1]
    assert losses.cut


# -- names -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", "a"),
        ("", "_"),
        (b"abc", "abc"),
        (b"\xff", "\ufffd"),
        (1, "1"),
        (1.5, "1.5"),
        (None, "null"),
        (True, "true"),
        ((1, "a"), '[1,"a"]'),
        (frozenset({2, 1}), "[1,2]"),
        (Point(1, 2), '{"x":1,"y":2}'),
        (Color.TEXT, "red"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2024, 2, 29), "2024-02-29"),
        ("x" * 256, "x" * 256),
    ],
)
def test_the_keys_of_a_mapping_are_texts(name: Any, expected: str) -> None:
    result, losses = plain({name: 0})
    assert result == {expected: 0}
    assert counts(losses) == (0, 0, 0)


def test_a_long_key_is_cut_and_a_key_that_comes_twice_is_counted() -> None:
    result, losses = plain({"x" * 257: 0})
    assert list(result) == ["x" * 255 + "…"]
    assert losses.cut == 1
    result, losses = plain({1: "first", "1": "second"})
    assert result == {"1": "second"}
    assert losses.dropped == 1


# -- proxies ---------------------------------------------------------------------------------------------------------------


class Proxy:
    """Stands for another object, as lazy objects do."""

    def __init__(self, target: Any) -> None:
        object.__setattr__(self, "_target", target)

    __class__ = property(lambda self: type(object.__getattribute__(self, "_target")))

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_target"), name)

    def __iter__(self) -> Any:
        return iter(object.__getattribute__(self, "_target"))

    def __getitem__(self, name: Any) -> Any:
        return object.__getattribute__(self, "_target")[name]


def test_a_proxy_is_read_as_what_it_stands_for() -> None:
    box = Box(1)
    assert plain(weakref.proxy(box))[0] == {"inner": 1, "label": "box"}
    assert plain(Proxy(box))[0] == {"inner": 1, "label": "box"}
    assert plain(Proxy({"a": 1}))[0] == {"a": 1}
    assert plain(Proxy([1, 2]))[0] == [1, 2]


def test_an_object_that_only_claims_to_be_something_else_is_unreadable() -> None:
    class Claims:
        __class__ = str  # type: ignore[assignment]

    assert plain(Claims())[0] == "<unreadable Claims>"


def test_a_partial_function_is_asked_for_its_text_where_it_holds_nothing_private() -> None:
    assert plain(functools.partial(print, 1))[0] == "functools.partial(<built-in function print>, 1)"
