"""Reading a dataclass's annotations: which field carries which marker.

A marker is never lost in silence. Where an annotation cannot be resolved, or hides a marker where it could not be honoured,
a strict reading raises; a lenient one, meant for classes that were never registered, treats the field as secret.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin

from otel_events.definition.annotations import (
    instance_annotations,
    is_class,
    is_marker_type,
    is_typed_dict,
    own_annotations,
    parts,
    resolved,
    text_of,
    unwrap,
)
from otel_events.exceptions import EventDefinitionError
from otel_events.privacy import MARKER_TYPES, Attribute, Marker, Personal, Secret, Unit
from otel_events.semconv import MAX_KEY_LENGTH

_SPEAKS_OF_MARKER: Final = r"\b(Personal|Secret)\b"


class FieldDefinition(NamedTuple):
    """A field and what its annotation says of it.

    ``hint`` is the resolved annotation, or None where it could not be resolved. ``problem`` is None, or why the field is
    treated as secret by a lenient reading.
    """

    name: str
    hint: Any = None
    privacy: Personal | Secret | None = None
    attribute: str | None = None
    unit: str | None = None
    problem: str | None = None


@lru_cache(maxsize=1024)
def fields_of(cls: type) -> tuple[FieldDefinition, ...]:
    """Return a dataclass's fields as a lenient reading sees them; never raises.

    A field whose markers cannot be known is given as ``Secret`` with the problem named. A class that is no dataclass has none.
    """
    definitions = []
    for name in _field_names(cls):
        try:
            definitions.append(_read_field(cls, name))
        except EventDefinitionError as error:
            definitions.append(FieldDefinition(name, privacy=Secret(), problem=str(error)))
        except Exception as error:
            problem = (
                f"{_where(cls, name)}: its annotation cannot be read ({type(error).__name__}). Write it more plainly."
            )
            definitions.append(FieldDefinition(name, privacy=Secret(), problem=problem))
    return tuple(definitions)


def check_fields(cls: type) -> tuple[FieldDefinition, ...]:
    """Return a dataclass's fields, strictly: also the dataclasses that its fields hold are read.

    Raises:
        EventDefinitionError: When an annotation cannot be resolved or a marker does not fit where it stands.
    """
    for _, definition in fields_within(cls):
        if definition.problem is not None:
            raise EventDefinitionError(definition.problem)
    return fields_of(cls)


def fields_within(cls: type) -> Iterator[tuple[type, FieldDefinition]]:
    """Yield the fields of a dataclass and of the dataclasses that its fields hold, by their annotations; each with its class."""
    waiting, seen = deque([cls]), set[type]()
    while waiting:
        current = waiting.popleft()
        if current in seen:
            continue
        seen.add(current)
        for definition in fields_of(current):
            yield current, definition
            waiting.extend(part for part in parts(definition.hint) if is_class(part) and dataclasses.is_dataclass(part))


@lru_cache(maxsize=1024)
def hides_markers(cls: type) -> bool:
    """Tell whether a class that is no dataclass (a TypedDict, a NamedTuple, an attrs or pydantic class) has marked fields.

    Its values cannot be treated field by field, so a value of such a class is redacted whole. True also when it has annotations
    that cannot be resolved, so that markers may be in them; where the class is none of the above, when they speak of a marker.
    """
    try:
        return _hides_markers(cls)
    except Exception:
        return True


def _hides_markers(cls: type) -> bool:
    waiting: list[type] = [cls]
    seen: set[type] = set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for base, annotation in instance_annotations(current):
            try:
                found = list(parts(resolved(base, annotation)))
            except Exception:
                if _has_named_fields(current) or re.search(_SPEAKS_OF_MARKER, str(annotation)):
                    return True
                continue
            if any(isinstance(part, (Personal, Secret)) or part is Personal or part is Secret for part in found):
                return True
            # The values of a TypedDict are dicts: what it marks can only be seen here.
            waiting.extend(part for part in found if is_class(part) and is_typed_dict(part))
    return False


def _field_names(cls: type) -> list[str]:
    try:
        return [field.name for field in dataclasses.fields(cls)]
    except Exception:
        return []


def _read_field(cls: type, name: str) -> FieldDefinition:
    where = _where(cls, name)
    hint = _field_hint(cls, name, where)
    outer = _outer_markers(hint)
    privacy: list[Personal | Secret] = []
    for part in parts(hint):
        if isinstance(part, (Personal, Secret)) and part not in privacy:
            privacy.append(part)
        elif isinstance(part, (Attribute, Unit)) and part not in outer:
            raise EventDefinitionError(
                f"{where}: {part!r} stands inside {text_of(hint)}, where it cannot apply. "
                f"Annotate the whole field: Annotated[…, {part!r}]."
            )
        elif is_marker_type(part):
            raise EventDefinitionError(
                f"{where}: the marker {part.__name__} stands there as a class. Write {part.__name__}() with its arguments."
            )
        elif is_class(part) and not dataclasses.is_dataclass(part) and Secret() not in outer and hides_markers(part):
            raise EventDefinitionError(
                f"{where}: {part.__qualname__} has fields that are marked, or whose annotations cannot be resolved, but is no "
                f"dataclass, so they cannot be honoured one by one. Make it a dataclass, or mark the whole field Secret()."
            )
    if len(privacy) > 1:
        raise EventDefinitionError(
            f"{where}: {privacy[0]!r} and {privacy[1]!r} contradict each other. Keep one of them."
        )
    attribute = _only_text([marker.key for marker in outer if isinstance(marker, Attribute)], "Attribute", where)
    unit = _only_text([marker.ucum for marker in outer if isinstance(marker, Unit)], "Unit", where)
    if unit is not None and not _is_number(hint):
        raise EventDefinitionError(
            f"{where}: Unit({unit!r}) fits a number (int, float, Decimal or timedelta), but the field is {text_of(hint)}. "
            f"Take the marker away, or give the field a number's type."
        )
    return FieldDefinition(name, hint, privacy[0] if privacy else None, attribute, unit)


def _only_text(texts: list[str], marker: str, where: str) -> str | None:
    """Return the one text that the markers of a kind give, or None without one."""
    if len(texts) > 1:
        raise EventDefinitionError(f"{where}: more than one {marker} marker. Keep one.")
    for text in texts:
        if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > MAX_KEY_LENGTH:
            raise EventDefinitionError(
                f"{where}: {marker}({text!r}): expected a printable text of 1 to {MAX_KEY_LENGTH} characters."
            )
        return text
    return None


def _field_hint(cls: type, name: str, where: str) -> Any:
    """Return the resolved annotation of one field, looked up where it was written."""
    for base in cls.__mro__:
        # Only dataclasses give fields: a mixin that is none may annotate the same name without being asked.
        if "__dataclass_fields__" in vars(base) and name in own_annotations(base):
            break
    else:
        raise EventDefinitionError(f"{where}: the field has no annotation. Give it one.")
    annotation = own_annotations(base)[name]
    try:
        return resolved(base, annotation)
    except Exception as error:
        raise EventDefinitionError(
            f"{where}: its annotation {annotation!r} cannot be resolved ({type(error).__name__}: {error}). Import what it names "
            f"at the top of {base.__module__} (not under TYPE_CHECKING), or define the class at module level."
        ) from None


def _outer_markers(hint: Any) -> list[Marker]:
    """Return the markers on the whole of a field: on the annotation itself or on an arm of its union (``Optional``)."""
    hint = unwrap(hint)
    if get_origin(hint) is Annotated:
        own = [part for part in hint.__metadata__ if isinstance(part, MARKER_TYPES)]
        return own + _outer_markers(get_args(hint)[0])
    if get_origin(hint) in (typing.Union, types.UnionType):
        return [marker for arm in get_args(hint) for marker in _outer_markers(arm)]
    return []


def _is_number(hint: Any) -> bool:
    hint = unwrap(hint)
    if get_origin(hint) is Annotated:
        return _is_number(get_args(hint)[0])
    if get_origin(hint) in (typing.Union, types.UnionType):
        return all(arm is type(None) or _is_number(arm) for arm in get_args(hint))
    from decimal import Decimal  # It takes long to load, and few classes have a unit.

    return is_class(hint) and issubclass(hint, (int, float, Decimal, timedelta)) and not issubclass(hint, bool)


def _has_named_fields(cls: type) -> bool:
    """Tell whether values of a class are read by the names of their fields."""
    return is_typed_dict(cls) or any(hasattr(cls, name) for name in ("_fields", "__attrs_attrs__", "model_fields"))


def _where(cls: type, name: str) -> str:
    return f"{cls.__module__}.{cls.__qualname__}.{name}"
