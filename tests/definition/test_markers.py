"""A marker is found wherever it stands in an annotation; where it cannot be honoured, or not be known, that is said."""

from __future__ import annotations

import sys
from dataclasses import dataclass, make_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NamedTuple, NewType, TypedDict

import pytest

from otel_events import Attribute, Event, EventDefinitionError, Personal, Secret, Unit
from otel_events.definition.markers import FieldDefinition, check_fields, fields_of, fields_within, hides_markers
from tests.modules import FUTURE, write_module
from tests.strategies import NastyError

Hidden = Annotated[str, Secret()]
UserId = NewType("UserId", Hidden)
AdminId = NewType("AdminId", UserId)
DROP = Personal("drop")


class Typed(TypedDict):
    a: Hidden


class TypedInside(TypedDict):
    inner: list[Typed]


class Named(NamedTuple):
    typed: TypedInside


class NamedBelow(Named):
    pass


class Attrs:
    __attrs_attrs__ = ()
    a: Hidden


class AsClass(NamedTuple):
    a: Annotated[str, Secret]


class Harmless(NamedTuple):
    a: Annotated[str, Attribute("key"), "words"]


class HarmlessPlain:
    a: ClassVar[Hidden] = ""
    b: int


class HarmlessTyped(TypedDict):
    itself: HarmlessTyped
    numbers: list[int]


def one_field(annotation: Any, **options: Any) -> type:
    return make_dataclass("Case", [("value", annotation)], **options)


# -- where markers stand -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "annotation",
    [
        Hidden,
        Hidden | None,
        Annotated[str | None, Secret()],
        Annotated[Annotated[str, "words"], Secret()],
        list[Hidden],
        tuple[int, Hidden],
        dict[str, list[dict[str, Hidden]]],
        dict[Hidden, str],
        int | list[str | Hidden],
        UserId,
        AdminId,
        list[AdminId | None],
        Final[Hidden],
        type[Hidden],
        "Hidden",
        "list[AdminId]",
    ],
)
def test_a_marker_is_found_anywhere_in_an_annotation(annotation: Any) -> None:
    [found] = check_fields(one_field(annotation, namespace={"__module__": __name__}))
    assert found.privacy == Secret()
    assert found.problem is None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
@pytest.mark.parametrize("future", [FUTURE, ""])
def test_a_marker_is_found_in_type_statements_and_generic_classes(future: str) -> None:
    module = write_module(f"""
        {future}
        from dataclasses import dataclass
        from typing import Annotated, NewType
        from otel_events import Personal, Secret
        type Hidden = Annotated[str, Secret()]
        type Again = Hidden | None
        type Pair[T] = tuple[T, Hidden]
        type Late = list[Annotated[str, Personal("drop")]]
        Deep = NewType("Deep", Again)
        @dataclass
        class Case[T]:
            a: Hidden
            b: Again
            c: Pair[int]
            d: list[Deep]
            e: Late
            f: T
            g: list[T] | None
    """)
    assert [one.privacy for one in check_fields(module.Case)] == [Secret()] * 4 + [DROP, None, None]


def test_a_long_chain_of_names_hides_nothing() -> None:
    make: Any = NewType
    chain: Any = Hidden
    for number in range(50):
        chain = make(f"Name{number}", chain)
    assert check_fields(one_field(chain))[0].privacy == Secret()


KINDS = """
    {future}
    from dataclasses import KW_ONLY, InitVar, dataclass, field
    from typing import Annotated, ClassVar, Final, Generic, TypeVar
    from otel_events import Attribute, Event, Personal, Secret, Unit
    T = TypeVar("T")
    @dataclass{options}
    class Base:
        inherited: Annotated[str, Personal()]
        default: Annotated[int, Unit("By")] = 1
        made: Annotated[list[str], Personal("drop")] = field(default_factory=list)
        late: Annotated[str, Secret()] = field(init=False)
        _: KW_ONLY
        quiet: Annotated[str, Attribute("key")] = field(repr=False, default="")
        variable: ClassVar[Annotated[str, Secret()]] = ""
        argument: InitVar[Annotated[str, Secret()]] = ""
        final: Final[Annotated[int, Secret()]] = 1
    @dataclass{options}
    class Case(Base, Generic[T]):
        own: Annotated[T | None, Personal("drop")] = None
        default: int = 2
"""


@pytest.mark.parametrize(
    "options", ["", "(frozen=True)", "(kw_only=True)", "(slots=True)", "(frozen=True, slots=True, order=True)"]
)
@pytest.mark.parametrize("future", [FUTURE, ""])
def test_all_kinds_of_fields_are_read_and_nothing_else(future: str, options: str) -> None:
    module = write_module(KINDS.format(future=future, options=options))
    found = {one.name: (one.privacy, one.attribute, one.unit, one.problem) for one in check_fields(module.Case)}
    assert found == {
        "inherited": (Personal(), None, None, None),
        "default": (None, None, None, None),
        "made": (DROP, None, None, None),
        "late": (Secret(), None, None, None),
        "quiet": (None, "key", None, None),
        "final": (Secret(), None, None, None),
        "own": (DROP, None, None, None),
    }
    assert check_fields(module.Base)[1].unit == "By"


# -- modules -------------------------------------------------------------------------------------------------------------------


def test_what_is_inherited_is_read_with_the_names_of_its_own_module() -> None:
    base = write_module(f"""
        {FUTURE}
        from dataclasses import dataclass
        from typing import Annotated
        from otel_events import Event, Secret
        Text = Annotated[str, Secret()]
        @dataclass
        class Base(Event):
            a: Text
    """)
    module = write_module(f"""
        {FUTURE}
        from dataclasses import dataclass
        from {base.__name__} import Base
        Text = str
        @dataclass
        class Case(Base):
            name = "case"
            b: Text
    """)
    found = {one.name: one.privacy for one in check_fields(module.Case)}
    assert (found["a"], found["b"]) == (Secret(), None)


def test_a_mixin_that_is_no_dataclass_takes_no_marker_away() -> None:
    class Mixin:
        value: str

    @dataclass
    class Base:
        value: Hidden

    @dataclass
    class Case(Mixin, Base):
        pass

    assert fields_of(Case)[0].privacy == Secret()


def test_a_dataclass_that_annotates_a_field_anew_decides_about_it() -> None:
    @dataclass
    class Base:
        value: Hidden

    @dataclass
    class Case(Base):
        value: str

    assert fields_of(Case)[0].privacy is None


TYPE_CHECKING = f"""
    {FUTURE}
    from dataclasses import dataclass
    from typing import TYPE_CHECKING
    from otel_events import Event
    if TYPE_CHECKING:
        from elsewhere import Email
    @dataclass
    class Case(Event):
        name = "case"
        value: Email
        other: int = 1
"""


def test_what_is_imported_for_type_checkers_only_is_refused_and_secret_where_nothing_is_refused() -> None:
    module = write_module(TYPE_CHECKING)
    with pytest.raises(EventDefinitionError) as refused:
        check_fields(module.Case)
    name = module.__name__
    assert str(refused.value) == (
        f"{name}.Case.value: its annotation 'Email' cannot be resolved (NameError: name 'Email' is not defined). Import what it "
        f"names at the top of {name} (not under TYPE_CHECKING), or define the class at module level."
    )
    by_name = {one.name: one for one in fields_of(module.Case)}
    assert by_name["value"] == FieldDefinition("value", privacy=Secret(), problem=str(refused.value))
    assert by_name["other"].privacy is None


def test_a_name_that_only_a_function_knows_is_refused() -> None:
    module = write_module(f"""
        {FUTURE}
        from dataclasses import dataclass
        def make():
            from typing import Annotated
            from otel_events import Secret
            Email = Annotated[str, Secret()]
            @dataclass
            class Case:
                value: Email
            return Case
    """)
    with pytest.raises(EventDefinitionError, match=r"\.value: its annotation 'Email' cannot be resolved"):
        check_fields(module.make())
    assert fields_of(module.make())[0].privacy == Secret()


def test_a_class_that_names_itself_is_read_wherever_it_is() -> None:
    @dataclass
    class Node:
        value: Hidden
        parent: Node | None = None

    assert [one.privacy for one in check_fields(Node)] == [Secret(), None]


def test_a_forgotten_module_hides_no_marker() -> None:
    module = write_module(TYPE_CHECKING.replace("from elsewhere import Email", "pass").replace("Email", "int"))
    del sys.modules[module.__name__]
    assert {one.name: one.privacy for one in fields_of(module.Case)}["value"] is None  # int is a builtin


# -- refusals ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (
            list[Annotated[str, Attribute("key")]],
            (
                "Attribute(key='key') stands inside list[Annotated[str, Attribute(key='key')]], where it cannot apply. "
                "Annotate the whole field: Annotated[…, Attribute(key='key')]."
            ),
        ),
        (
            dict[str, Annotated[int, Unit("By")]],
            (
                "Unit(ucum='By') stands inside dict[str, Annotated[int, Unit(ucum='By')]], where it cannot apply. "
                "Annotate the whole field: Annotated[…, Unit(ucum='By')]."
            ),
        ),
        (Annotated[str, Secret], "the marker Secret stands there as a class. Write Secret() with its arguments."),
        (
            list[Annotated[str, Personal]],
            "the marker Personal stands there as a class. Write Personal() with its arguments.",
        ),
        (
            Annotated[str, Attribute],
            "the marker Attribute stands there as a class. Write Attribute() with its arguments.",
        ),
        (
            Annotated[str, Secret(), Personal()],
            "Secret() and Personal(policy='keep') contradict each other. Keep one of them.",
        ),
        (
            Annotated[list[Annotated[str, Personal()]], DROP],
            "Personal(policy='drop') and Personal(policy='keep') contradict each other. Keep one of them.",
        ),
        (Annotated[str, Attribute("a"), Attribute("b")], "more than one Attribute marker. Keep one."),
        (Annotated[int, Unit("s"), Unit("ms")], "more than one Unit marker. Keep one."),
        (Annotated[str, Attribute("")], "Attribute(''): expected a printable text of 1 to 256 characters."),
        (Annotated[str, Attribute(7)], "Attribute(7): expected a printable text of 1 to 256 characters."),  # type: ignore[arg-type]
        (Annotated[str, Attribute("a\nb")], "Attribute('a\\nb'): expected a printable text of 1 to 256 characters."),
        (
            Annotated[str, Attribute("\ud800")],
            "Attribute('\\ud800'): expected a printable text of 1 to 256 characters.",
        ),
        (
            Annotated[str, Attribute("x" * 257)],
            f"Attribute('{'x' * 257}'): expected a printable text of 1 to 256 characters.",
        ),
        (Annotated[int, Unit(" ")], "Unit(' '): expected a printable text of 1 to 256 characters."),
        *(
            (
                Annotated[cls, Unit("By")],
                (
                    f"Unit('By') fits a number (int, float, Decimal or timedelta), but the field is Annotated[{text}, "
                    f"Unit(ucum='By')]. Take the marker away, or give the field a number's type."
                ),
            )
            for cls, text in ((str, "str"), (bool, "bool"), (int | str, "int | str"), (list[int], "list[int]"))
        ),
        *(
            (
                annotation,
                (
                    f"{name} has fields that are marked, or whose annotations cannot be resolved, but is no dataclass, so "
                    f"they cannot be honoured one by one. Make it a dataclass, or mark the whole field Secret()."
                ),
            )
            for annotation, name in (
                (Typed, "Typed"),
                (TypedInside, "TypedInside"),
                (list[Typed | None], "Typed"),
                (Named, "Named"),
                (NamedBelow, "NamedBelow"),
                (Attrs, "Attrs"),
                (AsClass, "AsClass"),
                (Annotated[Typed, Personal()], "Typed"),
            )
        ),
    ],
)
def test_a_marker_that_does_not_fit_is_refused(annotation: Any, problem: str) -> None:
    cls = one_field(annotation, namespace={"__module__": __name__})
    with pytest.raises(EventDefinitionError) as refused:
        check_fields(cls)
    assert str(refused.value) == f"{__name__}.Case.value: {problem}"
    assert fields_of(cls) == (FieldDefinition("value", privacy=Secret(), problem=str(refused.value)),)


def test_a_class_with_marked_fields_can_be_marked_whole() -> None:
    assert check_fields(one_field(Annotated[Typed, Secret()]))[0].privacy == Secret()


def test_dataclasses_that_a_field_holds_are_read_too() -> None:
    case: Any = write_module(TYPE_CHECKING).Case
    for annotation in (case, list[case], dict[str, case | None], type[case]):
        outer = one_field(make_dataclass("Inner", [("deep", annotation)]))
        with pytest.raises(EventDefinitionError, match=r"Case\.value: its annotation 'Email' cannot be resolved"):
            check_fields(outer)
        assert fields_of(outer)[0].problem is None


def test_the_fields_within_are_found_once_each() -> None:
    module = write_module("""
        from __future__ import annotations
        from dataclasses import dataclass
        @dataclass
        class Node:
            a: int
            leaf: list[Leaf] | dict[str, Leaf]
            parent: Node | None = None
        @dataclass
        class Leaf:
            b: str
    """)
    found = [(cls.__name__, one.name) for cls, one in fields_within(module.Node)]
    assert found == [("Node", "a"), ("Node", "leaf"), ("Node", "parent"), ("Leaf", "b")]


def test_generic_dataclasses_are_read_with_their_arguments() -> None:
    module = write_module(KINDS.format(future="", options=""))
    [found] = check_fields(one_field(module.Case[Annotated[int, DROP]]))
    assert found.privacy == DROP
    [found] = check_fields(one_field(module.Case[int]))
    assert found.privacy is None


@pytest.mark.parametrize(
    "annotation",
    [int, float, Decimal, timedelta, int | None, Annotated[int | None, Personal()], NewType("Bytes", int)],
)
def test_a_unit_fits_numbers(annotation: Any) -> None:
    assert check_fields(one_field(Annotated[annotation, Unit("By")]))[0].unit == "By"


def test_a_marker_may_stand_on_an_arm_of_a_union() -> None:
    [found] = check_fields(one_field(Annotated[str, Attribute("key")] | None))
    assert found.attribute == "key"


def test_literals_are_no_annotations() -> None:
    [found] = check_fields(one_field(Literal["Secret()", "Hidden"]))
    assert found.privacy is None


# -- classes that are no dataclasses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "hidden"),
    [
        (Typed, True), (TypedInside, True), (Named, True), (NamedBelow, True), (Attrs, True), (AsClass, True),
        (Harmless, False), (HarmlessTyped, False), (HarmlessPlain, False), (str, False), (object, False),
        (type, False), (Event, False), (Generic, False),
    ],
)  # fmt: skip
def test_classes_that_hide_markers(cls: type, hidden: bool) -> None:
    assert hides_markers(cls) is hidden


UNRESOLVED = """
    {future}
    from typing import TYPE_CHECKING, NamedTuple, TypedDict
    if TYPE_CHECKING:
        from elsewhere import Email
        import otel_events as oe
    class Named(NamedTuple):
        value: "Email"
    class Typed(TypedDict):
        value: "Email"
    class Plain:
        value: "Email"
    class Speaking:
        value: "oe.Secret()"
"""


@pytest.mark.parametrize("future", [FUTURE, ""])
def test_where_fields_are_read_by_name_an_annotation_that_cannot_be_resolved_may_hide_one(future: str) -> None:
    module = write_module(UNRESOLVED.format(future=future))
    assert hides_markers(module.Named)
    assert hides_markers(module.Typed)
    assert hides_markers(module.Speaking)
    assert not hides_markers(module.Plain)


def test_reading_never_raises() -> None:
    class Meta(type):
        @property
        def __mro__(cls) -> Any:
            raise ValueError

    class Hostile(metaclass=Meta):
        __annotations__ = 7  # type: ignore[assignment]

    assert hides_markers(Hostile)
    assert fields_of(Hostile) == ()
    assert fields_of(int) == ()
    assert fields_of(type("Fake", (), {"__dataclass_fields__": 7})) == ()

    class LyingText(str):
        __slots__ = ()

        def strip(self, *_: Any) -> str:
            raise NastyError

    cls = one_field(Annotated[str, Attribute(LyingText("a"))], namespace={"__module__": __name__})
    problem = f"{__name__}.Case.value: its annotation cannot be read (NastyError). Write it more plainly."
    assert fields_of(cls) == (FieldDefinition("value", privacy=Secret(), problem=problem),)

    cls = one_field(str, namespace={"__module__": __name__})
    del cls.__annotations__["value"]
    problem = f"{__name__}.Case.value: the field has no annotation. Give it one."
    assert fields_of(cls) == (FieldDefinition("value", privacy=Secret(), problem=problem),)

    class Nasty:
        def __eq__(self, other: object) -> bool:
            raise ValueError

        __hash__ = None  # type: ignore[assignment]

    [found] = fields_of(one_field(Annotated[str, Nasty(), Secret()]))
    assert found.privacy == Secret()
