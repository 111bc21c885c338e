"""A value's members and items are found without changing it; an object that holds something private is known by it."""

from __future__ import annotations

import collections
import functools
import sqlite3
import types
import weakref
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import pytest

from otel_events import Attribute, Personal, Policy, Secret
from otel_events.conversion.members import (
    UNREADABLE,
    Member,
    class_of,
    holds_private,
    is_hidden,
    items_of,
    members_of,
)
from tests.strategies import AttrsLike, Box, Point, SlotBox


@dataclass
class Marked:
    key: Annotated[str, Attribute("other.key"), Secret()]
    personal: Annotated[str, Personal()] = ""
    plain: int = 0


class HiddenTuple(NamedTuple):
    key: Annotated[str, Secret()]


class Raising:
    @property
    def inner(self) -> Any:
        raise OSError

    __attrs_attrs__ = (types.SimpleNamespace(name="inner"),)


def names_of(value: Any) -> dict[Any, Any] | None:
    members = members_of(value)
    return None if members is None else {member.name: member.value for member in members}


def test_the_members_of_a_dataclass_have_their_markers() -> None:
    assert list(members_of(Marked("k")) or ()) == [
        Member("key", "other.key", "k", Secret()),
        Member("personal", None, "", Personal()),
        Member("plain", None, 0, None),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.UserDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (types.SimpleNamespace(a=1), {"a": 1}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (SlotBox(1), {"inner": 1, "unset": None}),
        (AttrsLike(1), {"inner": 1, "missing": None}),
        (Raising(), {"inner": UNREADABLE}),
        (weakref.proxy(Box), None),
        ([1], None),
        ("text", None),
        (object(), None),
        (Box, None),
        (dict, None),
    ],
)
def test_which_values_have_members(value: Any, expected: Any) -> None:
    assert names_of(value) == expected


def test_the_row_of_a_database_has_members() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        assert names_of(connection.execute("SELECT 1 AS a, 'x' AS b").fetchone()) == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2], [1, 2]),
        ((1, 2), [1, 2]),
        ({1}, [1]),
        (frozenset({1}), [1]),
        (collections.deque([1]), [1]),
        (collections.UserList([1]), [1]),
        (range(2), [0, 1]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), [("a", 1)]),
        (iter([1]), None),
        ((number for number in (1,)), None),
        (map(str, [1]), None),
        (collections.UserString("text"), None),
        (object(), None),
        (list, None),
    ],
)
def test_which_values_have_items(value: Any, expected: Any) -> None:
    items = items_of(value)
    assert (items if items is None else list(items)) == expected


def test_a_proxy_has_the_class_of_what_it_stands_for() -> None:
    box = Box(1)
    assert class_of(weakref.proxy(box)) is Box
    assert class_of(box) is Box
    assert class_of(Box) is type
    assert names_of(weakref.proxy(box)) == {"inner": 1, "label": "box"}


def test_an_object_that_does_not_tell_its_class_has_its_own() -> None:
    class Raises:
        __class__ = property(lambda self: 1 / 0)

    class Nonsense:
        __class__ = 7  # type: ignore[assignment]

    assert class_of(Raises()) is Raises
    assert class_of(Nonsense()) is Nonsense


def test_which_classes_are_hidden_whole() -> None:
    assert is_hidden(HiddenTuple("k"))
    assert not is_hidden(Marked("k"))
    assert not is_hidden(Point(1, 2))
    assert not is_hidden([HiddenTuple("k")])


class Teller:
    """Has a text of its own."""

    def __init__(self, held: Any = None) -> None:
        self.held = held

    def __repr__(self) -> str:
        return f"Teller({self.held})"


class Silent:
    """Has only the text that every object has."""

    def __init__(self, held: Any) -> None:
        self.held = held


def looked(value: Any, *, policy: Policy | None = None, looks: int = 10_000) -> bool:
    return holds_private(value, policy or Policy(), iter(range(looks)))


@pytest.mark.parametrize(
    "value",
    [
        Teller(Marked("k")),
        Teller([{"a": (Marked("k"),)}]),
        Teller(Silent(Marked("k"))),
        Teller(HiddenTuple("k")),
        Teller({"password": 1}),
        Teller([("cookie", 1)]),
        Teller(types.SimpleNamespace(token=1)),
        functools.partial(print, Marked("k")),
        functools.partial(print, token=1),
        Teller(Marked("k")).__repr__,
        ValueError(Marked("k")),
        ValueError("password", "1"),
        slice(Marked("k")),
        Teller(list(range(1001))),
    ],
)
def test_what_holds_something_private_is_known(value: Any) -> None:
    assert looked(value)


@pytest.mark.parametrize(
    "value",
    [
        Teller(1),
        Teller([{"a": ("b", "c")}]),
        Teller(Box([Point(1, 2)])),
        Silent(Marked("k")),
        Marked,
        print,
        functools.partial(print, 1),
        ValueError("text"),
        OSError(2, "no such file", "name"),
        1 + 2j,
        slice(1, 2),
        iter([1]),
        (number for number in (1, 2)),
    ],
)
def test_what_holds_nothing_private_is_too(value: Any) -> None:
    assert not looked(value)


def test_an_error_of_python_s_own_is_judged_by_what_it_writes() -> None:
    error = ValueError("text")
    error.response = types.SimpleNamespace(cookies={"session": 1})  # type: ignore[attr-defined]
    error.__cause__ = KeyError({"password": 1})
    assert not looked(error)

    class TellingError(ValueError):
        def __str__(self) -> str:
            return str(vars(self))

    telling = TellingError("text")
    telling.response = types.SimpleNamespace(cookies={"session": 1})  # type: ignore[attr-defined]
    assert looked(telling)


def test_what_is_private_is_what_the_policy_says() -> None:
    @dataclass
    class Soft:
        email: Annotated[str, Personal()] = ""
        token: str = field(default="", repr=False)

    tokens = frozenset({"token"})
    assert not looked(Teller(Soft()), policy=Policy(keep_keys=tokens))
    assert looked(Teller(Soft()), policy=Policy(keep_keys=tokens, personal="drop"))
    assert looked(Teller({"token": 1}))
    assert not looked(Teller({"token": 1}), policy=Policy(keep_keys=tokens))
    assert looked(Teller({"token": 1, "email": Marked("k")}), policy=Policy(keep_keys=tokens))


def test_when_the_looks_are_used_up_the_answer_is_yes() -> None:
    value = Teller([Teller(Teller()) for _ in range(100)])
    assert not looked(value)
    assert looked(value, looks=20)
    looks: Iterator[int] = iter(range(1000))
    answers = [holds_private(value, Policy(), looks) for _ in range(10)]
    assert answers[0] is False
    assert answers[-1] is True


def test_what_raises_when_it_is_looked_at_is_private() -> None:
    class Raises:
        __dict__ = property(lambda self: 1 / 0)

        def __str__(self) -> str:
            return "text"

    assert looked(Raises())


def test_what_holds_itself_has_an_end() -> None:
    teller = Teller()
    teller.held = [teller]
    assert not looked(teller)
