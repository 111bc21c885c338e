"""What a value is made of: its named members or its items, and whether it holds what must not be shown."""

from __future__ import annotations

import dataclasses
import gc
import types
from collections import UserString, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from typing import Any, Final, NamedTuple

from otel_events.definition.markers import fields_of, hides_markers
from otel_events.privacy import Personal, Policy, Secret

UNREADABLE: Final = object()
"""Stands for a member that raised when it was read."""

_MAX_HELD: Final = 1000
_PLAIN_CONTAINERS: Final = frozenset({dict, list, tuple, set, frozenset})
_SIZED: Final = (list, tuple, dict, set, frozenset, deque)
_SIMPLE: Final = frozenset({str, bytes, bool, int, float, complex, type(None)})
_NAMED: Final = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.CodeType,
    types.FrameType,
    types.TracebackType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
)
"""Types whose text is the value's name and says nothing of what it holds."""


class Member(NamedTuple):
    """A named part of a value: its own name, the name it takes instead (or None), what it holds, and its marker."""

    name: Any
    alias: str | None
    value: Any
    marker: Personal | Secret | None


def class_of(value: Any) -> Any:
    """Return a value's class; of a proxy, such as ``weakref.proxy`` makes, the class of what it stands for."""
    cls = type(value)
    if _is_dataclass(cls):
        return cls
    try:
        claimed = value.__class__
    except Exception:
        return cls
    return claimed if isinstance(claimed, type) else cls


def is_hidden(value: Any) -> bool:
    """Tell whether a value is of a class, no dataclass, that has marked fields, so that it must be redacted whole."""
    cls: Any = type(value)
    if cls in _PLAIN_CONTAINERS:
        return False
    claimed = class_of(value)
    if _is_dataclass(claimed):
        return False
    return hides_markers(cls) or (claimed is not cls and hides_markers(claimed))


def members_of(value: Any) -> Iterator[Member] | None:
    """Return the members of a value that has named ones; None for any other value.

    Subclasses of dict are read as dicts, past what they override, so that reading changes nothing in them.
    """
    if type(value) is dict:
        return (Member(name, None, item, None) for name, item in value.items())
    cls: Any = class_of(value)
    if _is_dataclass(cls):
        return (
            Member(field.name, field.attribute, _attribute(value, field.name), field.privacy)
            for field in fields_of(cls)
        )
    if issubclass(type(value), dict):
        return (Member(name, None, item, None) for name, item in dict.items(value))
    if isinstance(value, Mapping):
        return (Member(name, None, _item(value, name), None) for name in value)
    names: Iterable[str] | None = None
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        names = value._fields
    elif hasattr(cls, "__attrs_attrs__"):
        names = [attribute.name for attribute in cls.__attrs_attrs__]
    elif isinstance(getattr(cls, "model_fields", None), dict):  # pydantic
        names = cls.model_fields
    elif isinstance(value, types.SimpleNamespace):
        names = vars(value)
    elif hasattr(cls, "keys") and hasattr(cls, "__getitem__"):  # sqlite3.Row and its like
        return (Member(name, None, _item(value, name), None) for name in value.keys())  # noqa: SIM118 - no mapping
    return None if names is None else (Member(name, None, _attribute(value, name), None) for name in names)


def items_of(value: Any) -> Iterator[Any] | None:
    """Return an iterator over the items of a sequence or set; None for any other value, an iterator included."""
    cls = type(value)
    for kind in (list, tuple, set, frozenset, deque):
        if issubclass(cls, kind):
            return kind.__iter__(value)
    if isinstance(value, (Sequence, Set, ValuesView)) and not isinstance(value, UserString):
        return iter(value)
    return None


def holds_private(value: Any, policy: Policy, looks: Iterator[object]) -> bool:
    """Tell whether a value that is to be asked for its text holds something that must not be in it.

    Looked for are marked fields, and attributes and keys that look secret, in all that the value refers to.

    Args:
        value: Any object.
        policy: What is private.
        looks: How many objects may be looked at; when they are used up, the answer is yes.
    """
    cls: Any = type(value)
    if cls.__str__ is object.__str__ and cls.__repr__ is object.__repr__:
        return False
    written = value
    if issubclass(cls, BaseException) and isinstance(cls.__str__, types.WrapperDescriptorType):
        written = value.args  # All that Python's own exceptions write.
    try:
        return _holds_private(written, policy, looks)
    except Exception:
        return True


def _holds_private(value: Any, policy: Policy, looks: Iterator[object]) -> bool:
    waiting = [value]
    seen: dict[int, Any] = {}
    for _ in looks:
        if not waiting:
            return False
        held = waiting.pop()
        cls = type(held)
        if cls in _SIMPLE or issubclass(cls, _NAMED) or id(held) in seen:
            continue
        seen[id(held)] = held  # kept, so that its id is not given to another object
        if issubclass(cls, _SIZED) and len(held) > _MAX_HELD:
            return True
        if is_hidden(held) or any(
            policy.treatment(field.privacy, field.name, field.attribute, field.name) != "keep"
            for field in fields_of(class_of(held))
        ):
            return True
        if any(isinstance(name, str) and policy.is_secret(name, name) for name in _names_in(held)):
            return True
        if getattr(getattr(held, "dtype", None), "hasobject", False):
            return True  # A NumPy array does not tell the garbage collector which objects it refers to.
        waiting.extend(gc.get_referents(held))
    return True


def _names_in(held: Any) -> Iterator[Any]:
    cls = type(held)
    if issubclass(cls, dict):
        yield from dict.__iter__(held)
    elif issubclass(cls, (list, tuple)) and len(held) == 2:
        yield held[0]
    yield from getattr(held, "__dict__", ())
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def _is_dataclass(cls: Any) -> bool:
    return dataclasses.is_dataclass(cls)


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:
        return UNREADABLE


def _item(value: Any, name: Any) -> Any:
    try:
        return value[name]
    except Exception:
        return UNREADABLE
