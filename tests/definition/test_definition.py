"""A class that cannot be an event is refused with a text that names it and says what to do; a foreign one is read leniently."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from opentelemetry._logs import SeverityNumber

from otel_events import Attribute, Event, EventDefinitionError, Personal, Secret, Unit, semconv
from otel_events.definition import SEVERITIES, define, read
from otel_events.event import OPTIONS
from tests import strategies
from tests.modules import FUTURE, write_module

HERE = __name__


def event_class(fields: dict[str, Any] | None = None, *, bases: tuple[type, ...] = (Event,), **options: Any) -> Any:
    """Return an event class named Case with these fields and class attributes."""
    module = options.pop("__module__", HERE)
    namespace = {"name": "case", **options}
    cls = dataclasses.make_dataclass("Case", list((fields or {}).items()), bases=bases, namespace=namespace)
    cls.__module__ = module
    return cls


def refusal(cls: Any) -> str:
    with pytest.raises(EventDefinitionError) as refused:
        define(cls)
    return str(refused.value)


# -- what is accepted ----------------------------------------------------------------------------------------------------------


def test_a_plain_class_has_defaults() -> None:
    definition = define(event_class({"order_id": str, "total": float}))
    assert definition.name == "case"
    assert [field.name for field in definition.fields] == ["order_id", "total"]
    assert [field.name for field in definition.base_fields] == ["actor", "created"]
    assert (definition.severity_number, definition.severity_text) == (9, "INFO")
    assert (definition.namespace, definition.message, definition.version) == (None, None, None)


@pytest.mark.parametrize(
    ("severity", "number", "text"),
    [
        ("INFO", 9, "INFO"), ("warn", 13, "WARN"), ("Error2", 18, "ERROR2"), ("FATAL4", 24, "FATAL4"), ("trace", 1, "TRACE"),
        (1, 1, "TRACE"), (10, 10, "INFO2"), (24, 24, "FATAL4"), (SeverityNumber.WARN, 13, "WARN"), (None, 9, "INFO"),
    ],
)  # fmt: skip
def test_severities(severity: Any, number: int, text: str) -> None:
    definition = define(event_class(severity=severity))
    assert (definition.severity_number, definition.severity_text) == (number, text)
    assert type(definition.severity_number) is int


def test_severity_texts_are_those_of_the_log_data_model() -> None:
    assert {text: number for text, number in SEVERITIES.items() if text != "UNSPECIFIED"} == {
        member.name: member.value for member in SeverityNumber if member.value
    }


def test_options_that_are_enums_are_their_plain_values() -> None:
    class Names(str, enum.Enum):
        CASE = "case"
        SHOP = "shop"
        MESSAGE = "{order_id}"

    class Versions(enum.IntEnum):
        TWO = 2

    definition = define(
        event_class(
            {"order_id": str}, name=Names.CASE, namespace=Names.SHOP, message=Names.MESSAGE, version=Versions.TWO
        )
    )
    for value in (definition.name, definition.namespace, definition.version):
        assert type(value) in (str, int)
    assert (definition.name, definition.namespace, definition.version) == ("case", "shop", 2)
    assert definition.message == (("", "order_id"),)


def test_a_message_is_taken_apart() -> None:
    definition = define(event_class({"a": str}, message="{actor} {{braces}} {a}, {name} {created}!"))
    assert definition.message is not None
    assert "".join(f"{literal}<{field}>" for literal, field in definition.message) == (
        "<actor> {<None>braces}<None> <a>, <name> <created>!<None>"
    )


def test_the_default_namespace_is_the_top_level_package_or_app() -> None:
    assert define(event_class()).default_namespace == "tests"
    assert define(event_class(__module__="datasette.events")).default_namespace == "datasette"
    for module in ("__main__", "", "\ud800", " "):
        assert read(event_class(__module__=module)).default_namespace == "app"


def test_a_dataclass_that_is_no_event_will_do() -> None:
    @dataclass
    class Foreign:
        name: str
        created: datetime
        severity: str
        version: str
        message: list[str]
        namespace: int

    definition = define(Foreign)
    assert definition.name is None
    assert [field.name for field in definition.fields] == ["severity", "version", "message", "namespace"]
    assert (definition.severity_text, definition.version, definition.message, definition.namespace) == (
        "INFO",
        None,
        None,
        None,
    )


def test_what_is_no_event_may_use_the_names_of_the_options_for_what_it_likes() -> None:
    @dataclass
    class Foreign:
        name: ClassVar[str] = "foreign"
        created: datetime
        severity: ClassVar[Any] = object()
        version: ClassVar[Any] = "1.2"
        delivery: ClassVar[Any] = "by post"

        def message(self) -> str:
            return "a message"

        @property
        def namespace(self) -> str:
            return "a namespace"

    definition = define(Foreign)
    assert definition.name == "foreign"
    assert (definition.severity_text, definition.version, definition.message, definition.namespace) == (
        "INFO",
        None,
        None,
        None,
    )


def test_a_name_of_each_instance_may_be_a_property() -> None:
    @dataclass
    class WithProperty:
        created: datetime

        @property
        def name(self) -> str:
            return "from a property"

    @dataclass
    class WithCached:
        created: datetime

        @cached_property
        def name(self) -> str:
            return "from a cached property"

    @dataclass
    class CreatedToo:
        name: str

        @property
        def created(self) -> datetime:
            return datetime(2024, 1, 1)

    for cls in (WithProperty, WithCached, CreatedToo):
        assert define(cls).name is None


@given(strategies.event_classes())
def test_strictly_and_leniently_read_a_good_class_is_the_same(cls: type) -> None:
    assert define(cls) == read(cls)


# -- what is refused -----------------------------------------------------------------------------------------------------------


def test_an_instance_is_refused_without_showing_what_it_holds() -> None:
    text = refusal(event_class({"password": str})(password="hidden"))
    assert text == f"an instance of {HERE}.Case stands where a class is expected. Register the class itself."


def test_a_class_without_dataclass_is_refused() -> None:
    class Forgotten(Event):
        name = "forgotten"
        order_id: str

    class Nothing:
        pass

    for cls in (Forgotten, Nothing, int):
        assert refusal(cls) == (
            f"{cls.__module__}.{cls.__qualname__} is not decorated with @dataclass. "
            f"Write @dataclass above its class statement."
        )


@pytest.mark.parametrize("taken", [*OPTIONS, "name"])
def test_a_field_of_a_reserved_name_is_refused_on_an_event(taken: str) -> None:
    cls = dataclasses.make_dataclass("Case", [(taken, str)], bases=(Event,), namespace={"__module__": HERE})
    assert refusal(cls) == (
        f"{HERE}.Case.{taken} is a field, but an event's {taken} is a class attribute. "
        f"Rename the field, or remove its annotation to set the option."
    )


def test_a_class_without_a_name_is_refused() -> None:
    @dataclass
    class Nameless(Event):
        order_id: str

    @dataclass
    class Numbered(Event):
        name = 7  # type: ignore[assignment]

    for cls in (Nameless, Numbered):
        assert refusal(cls) == f'{HERE}.{cls.__qualname__} has no name. Give the class one: name = "order-placed".'


def test_a_class_without_a_time_is_refused() -> None:
    @dataclass
    class Timeless:
        name: str

    assert refusal(Timeless) == (
        f"{HERE}.{Timeless.__qualname__} has no field `created`. "
        f"Subclass otel_events.Event, or give it one (a UTC datetime)."
    )


NAME = 'expected a printable name such as "order-placed"'
NAMESPACE = 'expected a prefix without dots around it, such as "shop"'
RANGES = "TRACE, DEBUG, INFO, WARN, ERROR, FATAL"
SEVERITY = f"expected one of {RANGES}, one of them with 2, 3 or 4 behind it, or a number from 1 to 24"
VERSION = "expected a whole number such as 1"


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("name", "", NAME),
        ("name", " a", NAME),
        ("name", "a\nb", NAME),
        ("name", "\ud800", NAME),
        ("name", "x" * 257, "expected at most 256 characters, not 257"),
        ("namespace", "", NAMESPACE),
        ("namespace", "a.", NAMESPACE),
        ("namespace", " a", NAMESPACE),
        ("namespace", "a\tb", NAMESPACE),
        ("namespace", 7, NAMESPACE),
        ("namespace", "x" * 257, NAMESPACE),
        ("severity", "LOUD", SEVERITY),
        ("severity", "INFO5", SEVERITY),
        ("severity", 0, SEVERITY),
        ("severity", 25, SEVERITY),
        ("severity", True, SEVERITY),
        ("severity", 9.0, SEVERITY),
        ("version", "1", VERSION),
        ("version", True, VERSION),
        ("version", -1, VERSION),
        ("version", 2**63, VERSION),
        ("delivery", "post", "expected one of memory, journal, confirmed"),
        ("on_failure", "ajar", "expected one of open, closed"),
        ("message", 7, 'expected a text such as "{actor} placed {order_id}"'),
        ("message", "{orderid}", "{orderid} is no field of the event; there are actor, created, name, order_id"),
        ("message", "{}", "{} is no field of the event; there are actor, created, name, order_id"),
        ("message", "{order_id.x}", "{order_id.x} is no field of the event; there are actor, created, name, order_id"),
        (
            "message",
            "{order_id!r}",
            "{order_id} has a format or conversion; values stand in a message as they are exported",
        ),
        (
            "message",
            "{order_id:>9}",
            "{order_id} has a format or conversion; values stand in a message as they are exported",
        ),
        ("message", "{order_id", "expected '}' before end of string"),
        ("message", "\ud800", "'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed"),
    ],
)
def test_an_option_with_a_bad_value_is_refused_and_read_as_its_default(option: str, value: Any, expected: str) -> None:
    cls = event_class({"order_id": str}, **{option: value})
    assert refusal(cls) == f"{HERE}.Case.{option} = {value!r}: {expected}"
    definition = read(cls)
    assert definition.name == (None if option == "name" else "case")
    assert (definition.severity_number, definition.namespace, definition.version, definition.message) == (
        9,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("option", ["namespace", "severity", "message", "version", "delivery", "on_failure"])
def test_an_option_that_each_event_would_have_of_its_own_is_refused(option: str) -> None:
    options: dict[str, Any] = {option: property(lambda self: "ERROR")}
    text = refusal(event_class(**options))
    assert text.startswith(f"{HERE}.Case.{option} = <property object at ")
    assert ": expected " in text


@pytest.mark.parametrize("key", sorted(semconv.RESERVED_KEYS))
def test_the_keys_of_the_record_itself_are_refused(key: str) -> None:
    text = f"{HERE}.Case.mine: the key {key!r} belongs to the record itself. Choose another."
    assert refusal(event_class({"mine": Annotated[str, Attribute(key)]})) == text
    namespace, _, field = key.rpartition(".")
    if field not in OPTIONS:
        assert refusal(event_class({field: str}, namespace=namespace)) == text.replace(".mine", f".{field}")


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"one": Annotated[str, Attribute("a.b")], "two": Annotated[str, Attribute("a.b")]}, "a.b"),
        ({"one": str, "two": Annotated[str, Attribute("tests.one")]}, "tests.one"),
        ({"one": Annotated[str, Attribute("tests.two")], "two": str}, "tests.two"),
    ],
)
def test_two_fields_with_one_key_are_refused(fields: dict[str, Any], key: str) -> None:
    assert (
        refusal(event_class(fields))
        == f"{HERE}.Case.two: the key {key!r} is that of the field 'one' already. Choose another."
    )


@pytest.mark.parametrize("marker", [Secret(), Personal(), Attribute("key"), Unit("s")])
@pytest.mark.parametrize("name", ["actor", "created"])
def test_a_marker_on_what_every_event_has_is_refused(name: str, marker: Any) -> None:
    cls = dataclasses.make_dataclass(
        "Case", [(name, Annotated[int, marker], None)], bases=(Event,), namespace={"name": "case", "__module__": HERE}
    )
    assert refusal(cls) == (
        f"{HERE}.Case.{name} has a marker, which cannot apply there. Take it away; what of an actor is kept is set with "
        f"OTEL_EVENTS_ACTOR or actor=."
    )


def test_hints_that_cannot_be_resolved_are_refused_and_count_as_secret() -> None:
    module = write_module(f"""
        {FUTURE}
        from dataclasses import dataclass
        from typing import TYPE_CHECKING
        from otel_events import Event
        if TYPE_CHECKING:
            from elsewhere import Email
        @dataclass
        class Case(Event):
            name = "case"
            email: Email
    """)
    assert refusal(module.Case).startswith(f"{module.__name__}.Case.email: its annotation 'Email' cannot be resolved")
    assert read(module.Case).fields[0].privacy == Secret()


# -- reading never raises --------------------------------------------------------------------------------------------------------


class Meta(type):
    def __getattr__(cls, name: str) -> Any:
        raise ValueError(name)


class Hostile(metaclass=Meta):
    pass


class LyingText(str):
    def strip(self, *_: Any) -> Any:
        raise ValueError

    isprintable = upper = encode = strip  # type: ignore[assignment]


@pytest.mark.parametrize("cls", [Hostile, int, object, type, event_class, Event])
def test_whatever_it_is_it_is_read(cls: Any) -> None:
    cls = cls() if cls is event_class else cls
    definition = read(cls)
    assert definition.cls is cls
    assert definition.severity_text == "INFO"


def test_options_that_raise_when_they_are_looked_at_are_their_defaults() -> None:
    lie = LyingText("a")
    definition = read(event_class(name=lie, namespace=lie, severity=lie, message=lie, version=lie))
    assert (definition.name, definition.namespace, definition.severity_number) == (None, None, 9)
    assert (definition.message, definition.version) == (None, None)
    assert refusal(event_class(name=lie)) == f"{HERE}.Case.name = 'a': "
