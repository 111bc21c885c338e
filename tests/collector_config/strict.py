"""A strict look at plain data: every key must be known, every needed key there, every value of its kind.

A shape is a type; a `re.Pattern` that a string matches as a whole; a set of the values that are possible; a list with the
shape of all items; a tuple of shapes, of which one fits; or a mapping from keys to shapes, in which `key?` may be left out
and `*` stands for any key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def problems(value: Any, shape: Any, place: str = "") -> list[str]:
    """Return what is wrong with a value, each with its place.

    Args:
        value: what was read.
        shape: what it should be.
        place: where it stands.
    """
    if isinstance(shape, tuple):
        found = [problems(value, one, place) for one in shape]
        return [] if [] in found else min(found, key=len)
    if isinstance(shape, Mapping):
        return _of_mapping(value, shape, place)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{place}: {value!r} is no list"]
        return [
            problem for number, item in enumerate(value) for problem in problems(item, shape[0], f"{place}[{number}]")
        ]
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value) is not None
    elif isinstance(shape, (set, frozenset)):
        fits = value in shape
    else:
        # In Python True is an int.
        fits = isinstance(value, shape) and (not isinstance(value, bool) or shape is bool)
    return [] if fits else [f"{place}: {value!r} is not {getattr(shape, '__name__', shape)}"]


def _of_mapping(value: Any, shape: Mapping[str, Any], place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place}: {value!r} is no mapping"]
    shapes = {key.rstrip("?"): inner for key, inner in shape.items()}
    found = [f"{place}: {key} is missing" for key in shape if not key.endswith("?") and key != "*" and key not in value]
    for key, inner in value.items():
        known = shapes.get(key, shapes.get("*"))
        found += [f"{place}: {key} is unknown"] if known is None else problems(inner, known, f"{place}.{key}")
    return found


def misspelt(value: Any, place: str = "", seen: set[str] | None = None) -> Iterator[str]:
    """Yield each kind of key once, where it stands; meanwhile it is misspelt in there.

    Args:
        value: data, which is as it was afterwards.
        place: where it stands.
        seen: places that were there already. The items of a list count as one, unless they have different types or ids.
    """
    seen = set() if seen is None else seen
    if isinstance(value, dict):
        kind = value.get("type", value.get("id"))
        place = f"{place}({kind})" if isinstance(kind, str) else place
        for key in list(value):
            here = f"{place}.{key}"
            if here not in seen:
                seen.add(here)
                value[f"{key}x"] = value.pop(key)
                yield here
                value[key] = value.pop(f"{key}x")
            yield from misspelt(value[key], here, seen)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from misspelt(item, f"{place}[]", seen)
