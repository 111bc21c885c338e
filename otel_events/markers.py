"""Reading a dataclass's annotations: which field carries which marker.

A marker is never lost in silence. Where an annotation cannot be resolved, or hides a marker where it could not be honoured,
a strict reading raises; a lenient one, meant for classes that were never registered, treats the field as secret.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from otel_events.exceptions import EventDefinitionError
from otel_events.privacy import MARKER_TYPES, Attribute, Marker, Personal, Secret, Unit

_NUMBERS = (int, float, Decimal, timedelta)


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

    A field whose markers cannot be known is given as ``Secret`` with the problem named.
    """
    definitions = []
    for field in dataclasses.fields(cls):
        try:
            definitions.append(_read_field(cls, field.name))
        except EventDefinitionError as error:
            definitions.append(FieldDefinition(field.name, privacy=Secret(), problem=str(error)))
    return tuple(definitions)


def check_fields(cls: type) -> tuple[FieldDefinition, ...]:
    """Return a dataclass's fields, strictly: also the dataclasses that its fields hold are read.

    Raises:
        EventDefinitionError: When an annotation cannot be resolved or a marker does not fit where it stands.
    """
    seen: set[type] = set()
    waiting: list[type] = [cls]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for definition in fields_of(current):
            if definition.problem is not None:
                raise EventDefinitionError(definition.problem)
            waiting.extend(
                part for part in _parts(definition.hint) if isinstance(part, type) and dataclasses.is_dataclass(part)
            )
    return fields_of(cls)


@lru_cache(maxsize=1024)
def hides_markers(cls: type) -> bool:
    """Tell whether a class that is no dataclass (a TypedDict, a NamedTuple, an attrs or pydantic class) has marked fields.

    Its values cannot be treated field by field, so a value of such a class is redacted whole. True also when the class has
    annotations that cannot be resolved although they speak of a marker.
    """
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception:
        return any(
            marker.__name__ in str(annotation)
            for base in cls.__mro__
            for annotation in _annotations(base).values()
            for marker in (Personal, Secret)
        )
    return any(isinstance(part, (Personal, Secret)) for hint in hints.values() for part in _parts(hint))


def _read_field(cls: type, name: str) -> FieldDefinition:
    where = f"{cls.__module__}.{cls.__qualname__}.{name}"
    hint = _resolve(cls, name, where)
    outer = _outer_markers(hint)
    privacy: list[Personal | Secret] = []
    for part in _parts(hint):
        if isinstance(part, (Personal, Secret)) and part not in privacy:
            privacy.append(part)
        elif isinstance(part, (Attribute, Unit)) and part not in outer:
            raise EventDefinitionError(
                f"{where}: {part!r} stands inside {_text(hint)}, where it cannot apply. "
                f"Annotate the whole field: Annotated[…, {part!r}]."
            )
        elif isinstance(part, type) and part in MARKER_TYPES:
            raise EventDefinitionError(
                f"{where}: the marker {part.__name__} stands there as a class. Write {part.__name__}() with its arguments."
            )
        elif (
            isinstance(part, type) and not dataclasses.is_dataclass(part) and _annotations(part) and hides_markers(part)
        ):
            raise EventDefinitionError(
                f"{where}: {part.__qualname__} has marked fields but is no dataclass, so they cannot be honoured one by one. "
                f"Make it a dataclass, or mark the whole field."
            )
    if len(privacy) > 1:
        raise EventDefinitionError(
            f"{where}: {privacy[0]!r} and {privacy[1]!r} contradict each other. Keep one of them."
        )
    attributes = [marker.key for marker in outer if isinstance(marker, Attribute)]
    units = [marker.ucum for marker in outer if isinstance(marker, Unit)]
    if len(attributes) > 1 or len(units) > 1:
        raise EventDefinitionError(
            f"{where}: more than one {'Attribute' if len(attributes) > 1 else 'Unit'} marker. Keep one."
        )
    for text, marker in ((attributes, "Attribute"), (units, "Unit")):
        if text and (not isinstance(text[0], str) or not text[0].strip()):
            raise EventDefinitionError(f"{where}: {marker}({text[0]!r}): expected a text that is not empty.")
    if units and not _is_number(hint):
        raise EventDefinitionError(
            f"{where}: Unit({units[0]!r}) fits a number (int, float, Decimal or timedelta), but the field is {_text(hint)}."
        )
    return FieldDefinition(
        name,
        hint,
        privacy[0] if privacy else None,
        attributes[0] if attributes else None,
        units[0] if units else None,
    )


def _resolve(cls: type, name: str, where: str) -> Any:
    """Return the resolved annotation of one field, looked up where it was written."""
    for base in cls.__mro__:
        annotations = _annotations(base)
        if name in annotations:
            break
    else:
        raise EventDefinitionError(f"{where}: the field has no annotation. Give it one.")
    holder = types.SimpleNamespace(__annotations__={name: annotations[name]})
    namespace = vars(sys.modules[base.__module__]) if base.__module__ in sys.modules else {}
    try:
        hint = typing.get_type_hints(holder, namespace, {**vars(base), base.__name__: base}, include_extras=True)[name]
        unresolved = next((part for part in _parts(hint) if isinstance(part, (str, typing.ForwardRef))), None)
    except Exception as error:
        unresolved = f"{annotations[name]!r} ({type(error).__name__}: {error})"
    if unresolved is not None:
        raise EventDefinitionError(
            f"{where}: its annotation cannot be resolved: {unresolved}. Import what it names at the top of "
            f"{base.__module__} (not under TYPE_CHECKING), or define the class at module level."
        )
    return hint


def _annotations(cls: type) -> dict[str, Any]:
    """Return what a class itself annotates, without evaluating what cannot be evaluated (Python 3.14 does so lazily)."""
    if sys.version_info >= (3, 14):  # pragma: no cover - only one of the branches exists on one Python
        import annotationlib

        return dict(annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF))
    return dict(inspect.get_annotations(cls))


def _outer_markers(hint: Any) -> list[Marker]:
    """Return the markers on the whole of a field: on the annotation itself or on an arm of its union (``Optional``)."""
    hint = _unwrap(hint)
    if get_origin(hint) is Annotated:
        return [part for part in hint.__metadata__ if isinstance(part, MARKER_TYPES)] + _outer_markers(
            get_args(hint)[0]
        )
    if get_origin(hint) in (typing.Union, types.UnionType):
        return [marker for arm in get_args(hint) for marker in _outer_markers(arm)]
    return []


def _parts(hint: Any) -> Iterator[Any]:
    """Yield an annotation and everything inside it: types, markers and unresolved texts."""
    waiting, seen = [hint], set()
    while waiting:
        part = _unwrap(waiting.pop())
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        origin = get_origin(part)
        if origin is Literal:
            continue
        if origin is Annotated:
            waiting.extend(item for item in part.__metadata__ if isinstance(item, MARKER_TYPES) or item in MARKER_TYPES)
            waiting.append(get_args(part)[0])
        elif isinstance(part, (list, tuple)):  # the parameter list of a Callable
            waiting.extend(part)
        else:
            waiting.extend(get_args(part))
            if origin is not None:
                waiting.append(origin)


def _unwrap(hint: Any) -> Any:
    """Look through names for types: ``type X = …`` (Python 3.12) and ``NewType``."""
    for _ in range(8):
        inner = getattr(hint, "__value__", None) if type(hint).__name__ == "TypeAliasType" else None
        inner = inner if inner is not None else getattr(hint, "__supertype__", None)
        if inner is None:
            break
        hint = inner
    return hint


def _is_number(hint: Any) -> bool:
    hint = _unwrap(hint)
    if get_origin(hint) is Annotated:
        return _is_number(get_args(hint)[0])
    if get_origin(hint) in (typing.Union, types.UnionType):
        return all(arm is type(None) or _is_number(arm) for arm in get_args(hint))
    return isinstance(hint, type) and issubclass(hint, _NUMBERS) and not issubclass(hint, bool)


def _text(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
