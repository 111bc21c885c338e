"""What a class says of its events: the definition, checked loudly for registered classes and read leniently for others."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_events import semconv
from otel_events.event import OPTIONS, OWN_FIELDS, Event
from otel_events.exceptions import EventDefinitionError
from otel_events.markers import FieldDefinition, check_fields, fields_of

_SEVERITY_RANGES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SEVERITIES: Final[dict[str, int]] = {
    f"{text}{step if step > 1 else ''}": 4 * index + step
    for index, text in enumerate(_SEVERITY_RANGES)
    for step in (1, 2, 3, 4)
}
"""Severity texts and their numbers (OpenTelemetry log data model, "Field: SeverityNumber")."""

_SEVERITY_TEXTS: Final = {number: text for text, number in SEVERITIES.items()}
MAX_NAME_LENGTH: Final = 256

MessagePart = tuple[str, str | None]
"""A piece of a message template: literal text, then the name of the field that follows it, if one does."""


@dataclass(frozen=True)
class EventDefinition:
    """A class of events, as data.

    ``name`` is None where each instance has its own (a foreign class with a ``name`` field or property).
    """

    cls: type
    name: str | None
    fields: tuple[FieldDefinition, ...]
    namespace: str | None
    severity_number: int
    severity_text: str
    message: tuple[MessagePart, ...] | None
    version: int | None


def define(cls: type) -> EventDefinition:
    """Check a class that is being registered and return its definition.

    Args:
        cls: A dataclass, usually a subclass of ``Event``; any other dataclass with ``name`` and ``created`` will do.

    Raises:
        EventDefinitionError: When the class cannot be an event. The text names the class, the field, and what to do.
    """
    if not isinstance(cls, type):
        raise EventDefinitionError(
            f"{cls!r} is an instance of {type(cls).__qualname__}, not a class. Register the class itself."
        )
    where = f"{cls.__module__}.{cls.__qualname__}"
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
    name = _option(cls, names, "name", None)
    if not isinstance(name, str) and not ("name" in names or isinstance(name, property)):
        raise EventDefinitionError(f'{where} has no name. Give the class one: name = "order-placed".')
    fields = check_fields(cls)
    return _assemble(cls, fields, loud=True)


def read(cls: type) -> EventDefinition:
    """Return the definition of a class that was never registered, as far as it can be read; never raises.

    Options with bad values take their defaults; fields whose markers cannot be known count as secret.
    """
    return _assemble(cls, fields_of(cls), loud=False)


def _assemble(cls: type, fields: tuple[FieldDefinition, ...], *, loud: bool) -> EventDefinition:
    names = {field.name for field in fields}
    own = tuple(field for field in fields if field.name not in OWN_FIELDS)
    option = _Options(cls, names, loud)
    number = option("severity", 9, _severity)
    option("delivery", None, _delivery)
    if loud:
        _check_keys(cls, own)
    return EventDefinition(
        cls=cls,
        name=option("name", None, _name),
        fields=own,
        namespace=option("namespace", None, _namespace),
        severity_number=number,
        severity_text=_SEVERITY_TEXTS[number],
        message=option("message", None, lambda text: _message(text, {field.name for field in own})),
        version=option("version", None, _version),
    )


class _Options:
    """Reads class attributes through a check that raises ``ValueError``; loudly, or falling back to the default."""

    def __init__(self, cls: type, field_names: set[str], loud: bool) -> None:
        self._cls, self._field_names, self._loud = cls, field_names, loud

    def __call__(self, name: str, default: Any, check: Callable[[Any], Any]) -> Any:
        value = _option(self._cls, self._field_names, name, default)
        if value is None or isinstance(value, property):
            return default
        try:
            return check(value)
        except ValueError as error:
            if not self._loud:
                return default
            raise EventDefinitionError(
                f"{self._cls.__module__}.{self._cls.__qualname__}.{name} = {value!r}: {error}"
            ) from None


def _option(cls: type, field_names: set[str], name: str, default: Any) -> Any:
    """Return a class attribute, unless a dataclass field of that name only gives its default value there."""
    return default if name in field_names else getattr(cls, name, default)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or value != value.strip() or not value.isprintable():
        raise ValueError('expected a printable name such as "order-placed"')
    if len(value) > MAX_NAME_LENGTH:
        raise ValueError(f"expected at most {MAX_NAME_LENGTH} characters, not {len(value)}")
    return value


def _namespace(value: Any) -> str:
    if not isinstance(value, str) or not value.strip(".") or value != value.strip(". ") or not value.isprintable():
        raise ValueError('expected a prefix without dots around it, such as "shop"')
    return value


def _severity(value: Any) -> int:
    if isinstance(value, str) and value.upper() in SEVERITIES:
        return SEVERITIES[value.upper()]
    number = getattr(value, "value", value)
    if isinstance(number, int) and not isinstance(number, bool) and number in _SEVERITY_TEXTS:
        return number
    raise ValueError(
        f"expected one of {', '.join(_SEVERITY_RANGES)}, one of them with 2, 3 or 4 behind it, or a number from 1 to 24"
    )


def _version(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError("expected a whole number such as 1")
    return value


def _delivery(value: Any) -> None:
    if value != "memory":
        raise ValueError("expected 'memory', the only delivery that this version has")


def _message(value: Any, field_names: set[str]) -> tuple[MessagePart, ...]:
    if not isinstance(value, str):
        raise ValueError('expected a text such as "{actor} placed {order_id}"')
    parts: list[MessagePart] = []
    known = field_names | set(OWN_FIELDS)
    for literal, field, spec, conversion in string.Formatter().parse(value):
        if field is not None and field not in known:
            raise ValueError(f"{{{field}}} is no field of the event; there are {', '.join(sorted(known))}")
        if spec or conversion:
            raise ValueError(f"{{{field}}} has a format or conversion; values stand in a message as they are exported")
        parts.append((literal, field))
    return tuple(parts)


def _check_keys(cls: type, fields: Sequence[FieldDefinition]) -> None:
    """Refuse ``Attribute`` keys that are taken: by the record's identity, or by another field of the class."""
    seen: dict[str, str] = {}
    for field in fields:
        if field.attribute is None:
            continue
        where = f"{cls.__module__}.{cls.__qualname__}.{field.name}"
        if field.attribute in semconv.RESERVED_KEYS:
            raise EventDefinitionError(
                f"{where}: the key {field.attribute!r} belongs to the record itself. Choose another."
            )
        if field.attribute in seen:
            raise EventDefinitionError(
                f"{where}: the key {field.attribute!r} is that of the field {seen[field.attribute]!r} already. Choose another."
            )
        seen[field.attribute] = field.name
