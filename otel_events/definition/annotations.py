"""Annotations of classes: resolved where they were written, and taken apart into the types and markers in them."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Literal, TypeGuard, get_args, get_origin

from otel_events.privacy import MARKER_TYPES

_CLASS_VARIABLE: Final = r"[\s'\"]*(\w+\.)*ClassVar\b"


def resolved(base: type, annotation: Any) -> Any:
    """Return an annotation that a class itself makes, with all names in it resolved.

    Raises:
        Exception: Whatever comes of evaluating it; NameError where a part stays unresolved.
    """
    holder = type("Holder", (), {"__annotations__": {"it": annotation}})
    module = sys.modules.get(base.__module__)
    hint = typing.get_type_hints(holder, vars(module) if module else {}, _scope(base), include_extras=True)["it"]
    for part in parts(hint):
        if isinstance(part, (str, typing.ForwardRef)):
            raise NameError(str(part))
    return hint


def _scope(base: type) -> dict[str, Any]:
    """Return the names that a class's annotations can use beside those of its module.

    What a class attribute gives as a field's default value is not what the same name means in an annotation.
    """
    annotated = own_annotations(base)
    scope = {parameter.__name__: parameter for parameter in getattr(base, "__type_params__", ())}
    scope.update((name, value) for name, value in vars(base).items() if name not in annotated)
    scope.setdefault(base.__name__, base)
    return scope


def instance_annotations(cls: type) -> Iterator[tuple[type, Any]]:
    """Yield the annotations of a class and its bases, each with the class that makes it; those of class variables left out."""
    for base in cls.__mro__:
        for annotation in own_annotations(base).values():
            if not _is_of_class(annotation):
                yield base, annotation


def _is_of_class(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return re.match(_CLASS_VARIABLE, annotation) is not None
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def own_annotations(cls: type) -> dict[str, Any]:
    """Return what a class itself annotates, without evaluating what cannot be evaluated (Python 3.14 does so lazily)."""
    if sys.version_info >= (3, 14):  # pragma: no cover - only one of the branches exists on one Python
        import annotationlib

        return dict(annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF))
    return dict(inspect.get_annotations(cls))


def parts(hint: Any) -> Iterator[Any]:
    """Yield an annotation and everything inside it, from the outside in: types, markers and unresolved texts."""
    waiting, seen = deque([hint]), dict[int, Any]()
    while waiting:
        part = unwrap(waiting.popleft())
        if id(part) in seen:
            continue
        seen[id(part)] = part  # kept, so that its id is not given to another part
        yield part
        origin = get_origin(part)
        if origin is Literal:
            continue
        if origin is Annotated:
            waiting.extend(item for item in part.__metadata__ if isinstance(item, MARKER_TYPES) or is_marker_type(item))
            waiting.append(get_args(part)[0])
        elif isinstance(part, (list, tuple)):  # the parameter list of a Callable
            waiting.extend(part)
        else:
            waiting.extend(get_args(part))
            if origin is not None:
                waiting.append(origin)


def unwrap(hint: Any) -> Any:
    """Look through names for types: ``type X = …`` (Python 3.12) and ``NewType``."""
    seen: set[int] = set()
    while id(hint) not in seen:
        seen.add(id(hint))
        hint = hint.__value__ if type(hint).__name__ == "TypeAliasType" else getattr(hint, "__supertype__", hint)
    return hint


def is_class(part: Any) -> TypeGuard[type]:
    """Tell whether a part is a class itself; Python 3.10 takes ``list[int]`` for one, too."""
    return isinstance(part, type) and get_origin(part) is None


def is_marker_type(part: Any) -> TypeGuard[type]:
    """Tell whether a part is one of the markers' classes, as where the brackets behind it were forgotten."""
    return any(part is kind for kind in MARKER_TYPES)


def is_typed_dict(cls: type) -> bool:
    """Tell whether a class is a TypedDict, of whichever module."""
    return issubclass(cls, dict) and "__total__" in vars(cls)


def text_of(hint: Any) -> str:
    """Write an annotation as it stands in code."""
    return hint.__name__ if is_class(hint) else str(hint).replace("typing.", "")
