"""What a class says of its events: the definition, checked loudly for registered classes and read leniently for others."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from otel_events import semconv
from otel_events.definition.markers import FieldDefinition, check_fields, fields_of
from otel_events.event import BASE_FIELDS, OPTIONS, Event
from otel_events.exceptions import EventDefinitionError

_SEVERITY_RANGES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SEVERITIES: Final[dict[str, int]] = {
    f"{text}{step if step > 1 else ''}": 4 * index + step
    for index, text in enumerate(_SEVERITY_RANGES)
    for step in (1, 2, 3, 4)
}
"""Severity texts and their numbers (OpenTelemetry log data model, "Field: SeverityNumber")."""

_SEVERITY_TEXTS: Final = {number: text for text, number in SEVERITIES.items()}
MAX_NAME_LENGTH: Final = 256

DELIVERIES: Final = ("memory", "journal", "confirmed")
ON_FAILURES: Final = ("open", "closed")

MessagePart = tuple[str, str | None]
"""A piece of a message template: literal text, then the name of the field that follows it, if one does."""


class EventDefinition(NamedTuple):
    """A class of events, as data.

    ``name`` is None where each instance has its own (a foreign class with a ``name`` field or property). ``base_fields`` are the
    fields among ``name``, ``actor`` and ``created``, ``fields`` the others.
    """

    cls: type
    name: str | None
    base_fields: tuple[FieldDefinition, ...]
    fields: tuple[FieldDefinition, ...]
    namespace: str | None
    severity_number: int
    severity_text: str
    message: tuple[MessagePart, ...] | None
    version: int | None
    delivery: str | None
    on_failure: str | None

    @property
    def default_namespace(self) -> str:
        """The prefix where nothing else is set: the top-level package that defines the class; ``app`` for a script."""
        package = str(self.cls.__module__).partition(".")[0][: semconv.MAX_KEY_LENGTH]
        return package if semconv.is_namespace(package) and package != "__main__" else "app"


def define(cls: type) -> EventDefinition:
    """Check a class that is being registered and return its definition.

    Args:
        cls: A dataclass, usually a subclass of ``Event``; any other dataclass with ``name`` and ``created`` will do.

    Raises:
        EventDefinitionError: When the class cannot be an event. The text names the class, the field, and what to do.
    """
    if not isinstance(cls, type):
        raise EventDefinitionError(
            f"an instance of {type(cls).__module__}.{type(cls).__qualname__} stands where a class is expected. "
            f"Register the class itself."
        )
    where = _where(cls)
    if "__dataclass_fields__" not in vars(cls):
        raise EventDefinitionError(
            f"{where} is not decorated with @dataclass. Write @dataclass above its class statement."
        )
    names = {field.name for field in dataclasses.fields(cls)}
    if issubclass(cls, Event):
        for taken in (*OPTIONS, "name"):
            if taken in names:
                raise EventDefinitionError(
                    f"{where}.{taken} is a field, but an event's {taken} is a class attribute. "
                    f"Rename the field, or remove its annotation to set the option."
                )
    elif "created" not in names and not hasattr(cls, "created"):
        raise EventDefinitionError(
            f"{where} has no field `created`. Subclass otel_events.Event, or give it one (a UTC datetime)."
        )
    name = _option(cls, names, "name")
    if not isinstance(name, str) and "name" not in names and not hasattr(name, "__get__"):
        raise EventDefinitionError(f'{where} has no name. Give the class one: name = "order-placed".')
    return _assemble(cls, check_fields(cls), loud=True)


def read(cls: type) -> EventDefinition:
    """Return the definition of a class that was never registered, as far as it can be read; never raises.

    Options with bad values take their defaults; fields whose markers cannot be known count as secret.
    """
    return _assemble(cls, fields_of(cls), loud=False)


def _assemble(cls: type, fields: tuple[FieldDefinition, ...], *, loud: bool) -> EventDefinition:
    names = {field.name for field in fields}
    own = tuple(field for field in fields if field.name not in BASE_FIELDS)
    # A class that is no Event may use the names of the options for what it likes.
    option = _Options(cls, names, loud and issubclass(cls, Event))
    number = option("severity", 9, _severity)
    definition = EventDefinition(
        cls=cls,
        name=_Options(cls, names, loud)("name", None, _name),
        base_fields=tuple(field for field in fields if field.name in BASE_FIELDS and field.problem is None),
        fields=own,
        namespace=option("namespace", None, _namespace),
        severity_number=number,
        severity_text=_SEVERITY_TEXTS[number],
        message=option("message", None, lambda text: _message(text, {field.name for field in own})),
        version=option("version", None, _version),
        delivery=option("delivery", None, _one_of(DELIVERIES)),
        on_failure=option("on_failure", None, _one_of(ON_FAILURES)),
    )
    if loud:
        _check_markers(definition)
        _check_keys(definition)
    return definition


class _Options:
    """Reads class attributes through a check that raises ``ValueError``; loudly, or falling back to the default."""

    def __init__(self, cls: type, field_names: set[str], loud: bool) -> None:
        self._cls, self._field_names, self._loud = cls, field_names, loud

    def __call__(self, name: str, default: Any, check: Callable[[Any], Any]) -> Any:
        value: Any = None
        try:
            value = _option(self._cls, self._field_names, name)
            if value is None or (name == "name" and not isinstance(value, str)):
                return default
            return check(value)
        except Exception as error:
            if not self._loud:
                return default
            raise EventDefinitionError(f"{_where(self._cls)}.{name} = {value!r}: {error}") from None


def _option(cls: type, field_names: set[str], name: str) -> Any:
    """Return a class attribute, unless a dataclass field of that name only gives its default value there."""
    return None if name in field_names else getattr(cls, name, None)


def _name(value: Any) -> str:
    if not value.strip() or value != value.strip() or not value.isprintable():
        raise ValueError('expected a printable name such as "order-placed"')
    if len(value) > MAX_NAME_LENGTH:
        raise ValueError(f"expected at most {MAX_NAME_LENGTH} characters, not {len(value)}")
    return str.__str__(value)


def _namespace(value: Any) -> str:
    if not semconv.is_namespace(value):
        raise ValueError('expected a prefix without dots around it, such as "shop"')
    return str.__str__(value)


def _severity(value: Any) -> int:
    if isinstance(value, str) and value.upper() in SEVERITIES:
        return SEVERITIES[value.upper()]
    number = getattr(value, "value", value)
    if isinstance(number, int) and not isinstance(number, bool) and number in _SEVERITY_TEXTS:
        return int(number)
    raise ValueError(
        f"expected one of {', '.join(_SEVERITY_RANGES)}, one of them with 2, 3 or 4 behind it, or a number from 1 to 24"
    )


def _version(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError("expected a whole number such as 1")
    return int(value)


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return str(value)

    return check


def _message(value: Any, field_names: set[str]) -> tuple[MessagePart, ...]:
    if not isinstance(value, str):
        raise ValueError('expected a text such as "{actor} placed {order_id}"')
    value.encode()  # A lone surrogate would sink a whole batch.
    parts: list[MessagePart] = []
    known = field_names | set(BASE_FIELDS)
    for literal, field, spec, conversion in string.Formatter().parse(str.__str__(value)):
        if field is not None and field not in known:
            raise ValueError(f"{{{field}}} is no field of the event; there are {', '.join(sorted(known))}")
        if spec or conversion:
            raise ValueError(f"{{{field}}} has a format or conversion; values stand in a message as they are exported")
        parts.append((literal, field))
    return tuple(parts)


def _check_markers(definition: EventDefinition) -> None:
    """Refuse markers on what every event has, where a record has places of its own for it."""
    for field in definition.base_fields:
        if field.privacy is not None or field.attribute is not None or field.unit is not None:
            raise EventDefinitionError(
                f"{_where(definition.cls)}.{field.name} has a marker, which cannot apply there. Take it away; what of an actor "
                f"is kept is set with OTEL_EVENTS_ACTOR or actor=."
            )


def _check_keys(definition: EventDefinition) -> None:
    """Refuse attribute keys that are taken: by the record's identity, or by another field of the class."""
    namespace = definition.namespace or definition.default_namespace
    seen: dict[str, str] = {}
    for field in definition.fields:
        key = field.attribute or f"{namespace}.{field.name}"
        where = f"{_where(definition.cls)}.{field.name}"
        if key in semconv.RESERVED_KEYS:
            raise EventDefinitionError(f"{where}: the key {key!r} belongs to the record itself. Choose another.")
        if key in seen:
            raise EventDefinitionError(
                f"{where}: the key {key!r} is that of the field {seen[key]!r} already. Choose another."
            )
        seen[key] = field.name


def _where(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
