"""Hypothesis strategies: values of every kind, well-behaved and hostile, nested; and event classes made at run time."""

from __future__ import annotations

import array
import collections
import dataclasses
import enum
import functools
import io
import itertools
import os
import types
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Final, NamedTuple

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otel_events import Attribute, Event, Personal, Secret

# -- well-behaved values ---------------------------------------------------------------------------------------------------


class Color(enum.Enum):
    """An enum of odd values."""

    TEXT = "red"
    HUGE = 2**80
    NOTHING = None
    TUPLE = (1, "two")
    NAN = float("nan")


class Level(enum.IntEnum):
    """An enum whose members are numbers."""

    LOW = 1


class Word(str, enum.Enum):
    """An enum whose members are texts."""

    HELLO = "hello"


class Bits(enum.Flag):
    """A flag."""

    A = 1
    B = 2


class Point(NamedTuple):
    """A named tuple."""

    x: Any
    y: Any


@dataclass
class Box:
    """A dataclass that holds anything."""

    inner: Any
    label: str = "box"


@dataclass(frozen=True)
class FrozenBox:
    """A frozen one."""

    inner: Any


@dataclass(slots=True)
class SlotBox:
    """One with slots, of which the second is never set."""

    inner: Any
    unset: Any = dataclasses.field(init=False)


class AttrsLike:
    """As the attrs library makes classes."""

    __attrs_attrs__ = (types.SimpleNamespace(name="inner"), types.SimpleNamespace(name="missing"))

    def __init__(self, inner: Any) -> None:
        self.inner = inner


class NumberLike:
    """As NumPy has scalars: no number, but with an index, an item and a type of its own."""

    def __index__(self) -> int:
        return 7

    def item(self) -> int:
        return 7


ODD_SCALARS: Final[tuple[Callable[[], Any], ...]] = (
    lambda: 10**4000,
    lambda: bytearray(b"ab"),
    lambda: memoryview(b"abc"),
    lambda: memoryview(array.array("d", [1.0, 2.0]))[::-1],
    lambda: int,
    lambda: Color,
    lambda: Box,
    lambda: os,
    lambda: len,
    lambda: ...,
    lambda: NotImplemented,
    object,
    NumberLike,
    lambda: range(3),
    lambda: slice(1, 2),
)
"""Makers of well-behaved values that hypothesis cannot sample."""


def made(makers: Sequence[Callable[[], Any]]) -> SearchStrategy[Any]:
    """Values made anew by one of the makers."""
    return st.integers(0, len(makers) - 1).map(lambda number: makers[number]())


def texts() -> SearchStrategy[str]:
    """Texts with all that Unicode has, lone surrogates and NUL included; some longer than the limit."""
    anything = st.text(st.characters(exclude_categories=()), max_size=30)
    special = st.sampled_from(["", "\x00", "\ud800", "a\r\nb", "\u2028", "x", "\udfff", "é"])
    return st.one_of(anything, special, st.builds(str.__mul__, special, st.sampled_from([4095, 4096, 5000])))


def scalars() -> SearchStrategy[Any]:
    """Values that are one value in a record."""
    zones = st.sampled_from(
        [None, timezone.utc, timezone(timedelta(hours=-23, minutes=-59)), timezone(timedelta(1) / 3)]
    )
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1]),
        st.floats(),
        texts(),
        st.binary(max_size=30),
        st.builds(bytes, st.sampled_from([4096, 5000])),
        st.datetimes(timezones=zones),
        st.dates(),
        st.times(),
        st.timedeltas(),
        st.decimals(),
        st.sampled_from([Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1E+999999")]),
        st.fractions(),
        st.complex_numbers(),
        st.uuids(),
        st.sampled_from([PurePosixPath("/a/b"), PureWindowsPath("c:\\x"), PurePosixPath("\udcff")]),
        st.sampled_from([*Color, *Level, *Word, Bits.A | Bits.B, Bits(0)]),
        made(ODD_SCALARS),
    )


# -- hostile values --------------------------------------------------------------------------------------------------------


class NastyError(Exception):
    """What hostile objects raise; its own text raises, too."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def _raise(*args: Any, **kwargs: Any) -> Any:
    raise NastyError


def _endless(*args: Any) -> Iterator[Any]:
    return iter(int, 1)


_LIES: Final[tuple[Callable[..., Any], ...]] = (
    _raise,
    lambda *_: None,
    lambda *_: "lie",
    lambda *_: -1,
    lambda *_: 10**30,
    lambda self, *_: self,
    lambda *_: float("nan"),
    _endless,
    lambda self, *_: str(self) + repr(self),
)
"""What an overridden method does: raises, gives something of another type, something endless, itself, or recurses."""

_METHODS: Final = (
    "__str__", "__repr__", "__iter__", "__len__", "__getattr__", "__getattribute__", "__hash__", "__eq__", "__bool__",
    "__getitem__", "__contains__", "__int__", "__index__", "__float__", "__lt__", "__format__", "__bytes__", "__pos__",
    "keys", "items", "values", "get", "isoformat", "total_seconds", "encode", "isascii", "bit_length", "utcoffset", "astimezone",
    "__sub__", "__floordiv__", "__fspath__", "hex", "tobytes", "strip", "translate", "is_integer", "__length_hint__",
)  # fmt: skip
_PROPERTIES: Final = ("__class__", "__dict__", "value", "name", "tzinfo", "_fields", "model_fields", "parts", "year")

_BASES: Final[tuple[tuple[type, tuple[Any, ...]], ...]] = (
    (object, ()),
    (str, ("a text",)),
    (str, ("x" * 5000,)),
    (int, (7,)),
    (int, (2**70,)),
    (float, (1.5,)),
    (bytes, (b"\xff",)),
    (bytearray, (b"\xff",)),
    (dict, ({"a": 1},)),
    (list, ([1, 2],)),
    (tuple, ((1, 2),)),
    (set, ({1, 2},)),
    (frozenset, ({1, 2},)),
    (collections.deque, ([1],)),
    (collections.OrderedDict, ({"a": 1},)),
    (collections.UserDict, ({"a": 1},)),
    (collections.UserString, ("text",)),
    (datetime, (2024, 2, 29)),
    (date, (2024, 2, 29)),
    (time, (1, 2)),
    (timedelta, (1,)),
    (Decimal, ("1.50",)),
    (Fraction, (1, 3)),
    (PurePosixPath, ("/a",)),
    (ValueError, ("a text",)),
    (types.SimpleNamespace, ()),
    (Mapping, ()),
    (Sequence, ()),
)


class _AnyClass(type(Mapping)):  # type: ignore[misc] # the type of a class is a class
    """Lets abstract classes have instances."""

    def __call__(cls, *args: Any) -> Any:
        cls.__abstractmethods__: frozenset[str] = frozenset()
        return super().__call__(*args)


@functools.cache
def _overridden(base: type, overridden: tuple[tuple[str, int], ...]) -> type:
    namespace: dict[str, Any] = {}
    for name, lie in overridden:
        namespace[name] = property(_LIES[lie]) if name in _PROPERTIES else _LIES[lie]
    namespace.setdefault("__slots__", ()) if base is tuple else None
    return _AnyClass("Hostile", (base,), namespace)


@st.composite
def overriding(draw: st.DrawFn) -> Any:
    """Objects of all kinds of classes that override what they inherit, with methods that raise, lie or never end."""
    base, arguments = _BASES[draw(st.integers(0, len(_BASES) - 1))]
    names = draw(st.lists(st.sampled_from(_METHODS + _PROPERTIES), min_size=1, max_size=3, unique=True))
    lies = draw(st.lists(st.integers(0, len(_LIES) - 1), min_size=len(names), max_size=len(names)))
    cls = _overridden(base, tuple(zip(names, lies, strict=True)))
    try:
        return cls(*arguments)
    except Exception:  # Up to Python 3.11 a path calls its own methods while it is made.
        reject()


class Zone(tzinfo):
    """A zone whose offset is what it is given, or what that returns."""

    def __init__(self, offset: Any) -> None:
        self._offset = offset

    def utcoffset(self, dt: datetime | None) -> Any:
        return self._offset() if callable(self._offset) else self._offset

    dst = tzname = utcoffset


class AllClaims:
    """Claims to be whatever it is asked for, as mocks do."""

    def __getattr__(self, name: str) -> Any:
        return AllClaims()

    def __call__(self, *args: Any) -> Any:
        return AllClaims()


class ItsClass(type):
    """A metaclass whose classes have every attribute."""

    def __getattr__(cls, name: str) -> Any:
        return 7


class HasEverything(metaclass=ItsClass):
    """Its class has every attribute, also those by which dataclasses and their like are known."""


def _endless_nesting() -> Any:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    return nested


def _holding_itself() -> Any:
    inner: dict[Any, Any] = {}
    outer: list[Any] = [inner, inner]
    inner["up"] = outer
    inner[("key",)] = inner
    return outer


def _wide_and_deep() -> Any:
    value: Any = 1
    for _ in range(12):
        value = [value] * 1000
    return value


def _closed_file() -> Any:
    file = io.StringIO("content")
    file.close()
    return file


def _released_view() -> Any:
    view = memoryview(b"abc")
    view.release()
    return view


_KEPT: Final[Box] = Box("kept")

ODD: Final[tuple[Callable[[], Any], ...]] = (
    lambda: itertools.count(),
    lambda: (number for number in itertools.count()),
    lambda: iter([1, 2]),
    lambda: map(_raise, [1]),
    _holding_itself,
    _endless_nesting,
    _wide_and_deep,
    lambda: range(10**30),
    lambda: -(10**5000),
    lambda: [1 << 1_000_000],
    _closed_file,
    _released_view,
    lambda: datetime(2024, 1, 1, tzinfo=Zone(_raise)),
    lambda: datetime(2024, 1, 1, tzinfo=Zone(None)),
    lambda: datetime(2024, 1, 1, tzinfo=Zone("lie")),
    lambda: datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
    AllClaims,
    HasEverything,
    lambda: HasEverything,
    lambda: weakref.proxy(_KEPT),
    lambda: weakref.ref(_KEPT),
    lambda: {(1, 2): 1, None: 2, 1.5: 3, b"\xff": 4, frozenset({1}): 5, "": 6, "x" * 300: 7, "\ud800": 8, True: 9},
    lambda: {1: "number", "1": "text"},
    lambda: {Color.TEXT: 1, Level.LOW: 2, Point(1, 2): 3},
    lambda: collections.ChainMap({"a": 1}, {"b": 2}),
    lambda: types.MappingProxyType({"a": 1}),
    lambda: collections.defaultdict(list, a=[1]),
    lambda: {"a": 1}.items(),
    lambda: {"a": 1}.values(),
    lambda: {"b": 1, "a": 2}.keys(),
    lambda: array.array("i", [1, 2]),
    lambda: os.environ,
    lambda: ValueError("text", {"a": 1}),
    NastyError,
    lambda: functools.partial(print, 1),
    lambda: Box(1).__init__,  # type: ignore[misc]
    lambda: {str(number): number for number in range(5000)},
    lambda: [["x" * 4096] * 1000] * 1000,
    lambda: {"x" * 600: {"y" * 600: ["z" * 5000] * 5000}},
    lambda: set(range(5000)),
    lambda: [1, None, "x", 2.5, b"\xff", {"a": [1]}, float("nan"), float("inf")],
    lambda: [True, 1],
    lambda: [2**70, 1],
    lambda: [[]],
    lambda: [{}],
    dict,
    tuple,
    lambda: (_ for _ in ()),
)
"""Makers of odd values, each made anew."""


def odd() -> SearchStrategy[Any]:
    """Odd values, and objects that override what they inherit."""
    return st.one_of(made(ODD), overriding())


# -- nesting ---------------------------------------------------------------------------------------------------------------


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except Exception:
        return False
    return True


def _nested(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    several = st.lists(inner, max_size=4)
    hashable = several.map(lambda items: [item for item in items if _hashable(item)])
    mappings = st.dictionaries(st.one_of(texts(), st.integers(), st.none(), st.binary(max_size=3)), inner, max_size=4)
    names = st.dictionaries(st.sampled_from(["a", "b", "name", "token"]), inner, max_size=3)
    return st.one_of(
        several,
        several.map(tuple),
        several.map(collections.deque),
        hashable.map(_set_of),
        mappings,
        mappings.map(types.MappingProxyType),
        mappings.map(lambda mapping: mapping.values()),
        names.map(lambda mapping: types.SimpleNamespace(**mapping)),
        st.builds(Box, inner),
        st.builds(FrozenBox, inner),
        st.builds(SlotBox, inner),
        st.builds(Point, inner, inner),
        st.builds(AttrsLike, inner),
        st.builds(functools.partial, st.just(print), inner),
        st.builds(ValueError, inner),
    )


def _set_of(items: list[Any]) -> Any:
    try:
        return set(items)
    except Exception:
        return frozenset()


def plain_values() -> SearchStrategy[Any]:
    """Well-behaved values, nested in all kinds of containers."""
    return st.recursive(scalars(), _nested, max_leaves=12)


def values() -> SearchStrategy[Any]:
    """Values of every kind, nested."""
    return st.recursive(st.one_of(scalars(), odd()), _nested, max_leaves=8)


# -- event classes ---------------------------------------------------------------------------------------------------------

MARKERS: Final[tuple[Any, ...]] = (
    Any,
    Annotated[Any, Secret()],
    Annotated[Any, Personal()],
    Annotated[Any, Personal("drop")],
    Annotated[Any, Personal("pseudonym")],
    Annotated[Any, Attribute("other.key")],
)
FIELD_NAMES: Final = ("order_id", "total", "value_1", "größe", "token", "a" * 300, "class_", "_hidden")


@st.composite
def event_classes(draw: st.DrawFn, annotations: Sequence[Any] = MARKERS, max_fields: int = 6) -> type[Event]:
    """Event classes with fields of the given annotations, and with options."""
    names = draw(st.lists(st.sampled_from(FIELD_NAMES), unique=True, max_size=max_fields))
    chosen = {name: draw(st.sampled_from(annotations)) for name in names}
    once = [name for name, annotation in chosen.items() if annotation == Annotated[Any, Attribute("other.key")]]
    chosen.update(dict.fromkeys(once[1:], Any))
    options: dict[str, Any] = {
        "name": draw(st.sampled_from(["order-placed", "größe", "a b"])),
        "namespace": draw(st.sampled_from([None, "shop", "shop.orders"])),
        "severity": draw(st.sampled_from(["INFO", "warn", "FATAL4", 1])),
        "version": draw(st.sampled_from([None, 0, 3])),
        "message": draw(
            st.sampled_from([None, "plain\nmessage", *("{actor} at {created}: {" + name + "}" for name in names)])
        ),
    }
    return dataclasses.make_dataclass("Made", list(chosen.items()), bases=(Event,), namespace=options)


@st.composite
def events(draw: st.DrawFn, inner: SearchStrategy[Any] | None = None) -> Event:
    """Events of such classes that hold values, by default of every kind, also as actor and as the time."""
    inner = values() if inner is None else inner
    cls = draw(event_classes())
    names = [field.name for field in dataclasses.fields(cls) if field.name not in ("actor", "created")]
    event = cls(**{name: draw(inner) for name in names})
    event.actor = draw(st.one_of(st.none(), texts(), inner, st.dictionaries(st.sampled_from(ACTOR_KEYS), inner)))
    event.created = draw(st.one_of(st.datetimes(timezones=st.just(timezone.utc)), inner))
    return event


ACTOR_KEYS: Final = ("id", "name", "username", "email", "roles", "token", "anything else", "")
