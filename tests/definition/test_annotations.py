"""Annotations are resolved where they were written, by the names that hold there, and taken apart into all that is in them."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, Literal, NewType

import pytest

from otel_events import Personal, Secret
from otel_events.definition.annotations import (
    instance_annotations,
    is_class,
    is_typed_dict,
    own_annotations,
    parts,
    resolved,
    text_of,
    unwrap,
)
from tests.modules import FUTURE, write_module

UserId = NewType("UserId", str)
AdminId = NewType("AdminId", UserId)


def hint_of(module: Any, name: str = "field", cls: str = "Case") -> Any:
    base = getattr(module, cls)
    return resolved(base, own_annotations(base)[name])


@pytest.mark.parametrize("future", [FUTURE, ""])
def test_names_of_the_module_are_known(future: str) -> None:
    module = write_module(f"""
        {future}
        from typing import Annotated
        from otel_events import Secret
        Hidden = Annotated[str, Secret()]
        class Case:
            field: "list[Hidden]"
    """)
    assert hint_of(module) == list[Annotated[str, Secret()]]


def test_names_of_the_class_win_over_those_of_the_module() -> None:
    module = write_module(f"""
        {FUTURE}
        from typing import Annotated
        from otel_events import Secret
        Text = str
        class Case:
            Text = Annotated[str, Secret()]
            field: Text
            itself: Case | None
    """)
    assert hint_of(module) == Annotated[str, Secret()]
    assert hint_of(module, "itself") == module.Case | None


def test_the_default_of_a_field_does_not_stand_for_its_type() -> None:
    module = write_module(f"""
        {FUTURE}
        from dataclasses import dataclass
        from typing import Annotated
        from otel_events import Secret
        Email = Annotated[str, Secret()]
        @dataclass
        class Case:
            Email: Email = None
            other: int = 1
        @dataclass(slots=True)
        class Slots:
            Email: Email
    """)
    assert hint_of(module, "Email") == Annotated[str, Secret()]
    assert hint_of(module, "Email", "Slots") == Annotated[str, Secret()]


def test_annotations_that_only_classes_have_are_resolved() -> None:
    module = write_module(f"""
        {FUTURE}
        from typing import ClassVar, Final
        class Case:
            final: Final[int] = 1
            var: ClassVar[int] = 1
    """)
    assert hint_of(module, "final") == Final[int]
    assert hint_of(module, "var") == ClassVar[int]


@pytest.mark.parametrize(
    "annotation", ["Missing", "list[Missing]", "'Missing'", "dict[str, 'Missing']", "int[", "1 / 0"]
)
def test_what_cannot_be_resolved_raises(annotation: str) -> None:
    class Case: ...

    with pytest.raises((NameError, SyntaxError, ZeroDivisionError)):
        resolved(Case, annotation)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_type_parameters_and_aliases_of_python_3_12() -> None:
    module = write_module(f"""
        {FUTURE}
        from typing import Annotated
        from otel_events import Secret
        type Hidden = Annotated[str, Secret()]
        type Nested[T] = dict[str, list[T] | Hidden]
        type Endless = list[Endless]
        class Case[T]:
            field: Hidden
            nested: Nested[int]
            parameter: T
            endless: Endless
    """)
    assert Secret() in list(parts(hint_of(module)))
    assert Secret() in list(parts(hint_of(module, "nested")))
    assert unwrap(hint_of(module)) == Annotated[str, Secret()]
    assert hint_of(module, "parameter") is module.Case.__type_params__[0]
    assert list in list(parts(hint_of(module, "endless")))


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (int, [int]),
        (Annotated[int, "words", Secret()], [int, Secret()]),
        (Annotated[int, Secret], [int, Secret]),
        (dict[str, list[Annotated[int, Personal()]]], [dict, str, list, int, Personal()]),
        (Callable[[Annotated[int, Secret()]], Annotated[str, Personal()]], [int, Secret(), str, Personal()]),
        (Annotated[str, Secret()] | None, [str, Secret(), type(None)]),
        (Literal["Secret", 1], []),
        (AdminId, [str]),
        (tuple[AdminId, ...], [tuple, str, ...]),
        ("text", ["text"]),
        (Any, [Any]),
    ],
)
def test_the_parts_of_an_annotation(hint: Any, expected: list[Any]) -> None:
    found = list(parts(hint))
    assert [part for part in expected if part not in found] == []
    assert "words" not in found


def test_parts_that_are_made_on_the_way_are_not_taken_for_one_another() -> None:
    hint: Any = Annotated[int, Secret()]
    for _ in range(50):
        hint = Callable[[hint], None]
    assert sum(part == Secret() for part in parts(hint)) == 1


def test_metadata_of_others_is_not_compared() -> None:
    class Column:
        def __eq__(self, other: object) -> bool:
            raise ValueError

        __hash__ = None  # type: ignore[assignment]

    _, *inner = parts(Annotated[int, Column(), Secret()])
    assert inner == [Secret(), int]


def test_class_variables_are_left_out_and_bases_taken_in() -> None:
    module = write_module("""
        import typing
        class Base:
            a: int
            b: typing.ClassVar[str] = ""
        class Derived(Base):
            c: "typing.ClassVar[int]" = 1
            d: "int"
            e: "' ClassVar'" = 1
    """)
    assert list(instance_annotations(module.Derived)) == [(module.Derived, "int"), (module.Base, int)]


def test_what_is_a_class_and_what_a_typed_dict() -> None:
    class Typed(typing.TypedDict):
        a: int

    typing_extensions = pytest.importorskip("typing_extensions")
    other = typing_extensions.TypedDict("other", {"a": int})
    assert [is_class(part) for part in (int, list[int], int | None, "int", Typed)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert [is_typed_dict(cls) for cls in (Typed, other, dict, int)] == [True, True, False, False]


def test_annotations_are_written_as_in_code() -> None:
    assert [text_of(hint) for hint in (int, list[int], Annotated[int, Secret()], Any)] == [
        "int",
        "list[int]",
        "Annotated[int, Secret()]",
        "Any",
    ]
