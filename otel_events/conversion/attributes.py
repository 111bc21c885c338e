"""Plain data → attributes: mappings are flattened, sequences are arrays, what is left is JSON text."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from typing import Any, Final

from otel_events.conversion.room import MAX_DEPTH, Losses, shorten

AttributeValue = str | bool | int | float | bytes | list[str] | list[bool] | list[int] | list[float]
"""What an attribute holds (OpenTelemetry specification, "Attribute", with bytes as in log records)."""

_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def attributes_of(key: str, plain: Any, losses: Losses, level: int = 0) -> Iterator[tuple[str, AttributeValue]]:
    """Yield the attributes that plain data makes under a key.

    Mappings are flattened with dots, four levels deep; sequences of one type are arrays; what is left is JSON text. None
    makes no attribute.

    Args:
        key: The attribute key.
        plain: As ``Walk.plain`` gives it.
        losses: Where cuts are counted.
        level: How many names of mappings the key has taken in.
    """
    if plain is None:
        return
    if isinstance(plain, dict) and plain and level < MAX_DEPTH:
        for name, item in plain.items():
            yield from attributes_of(f"{key}.{name}", item, losses, level + 1)
    elif isinstance(plain, dict) or (isinstance(plain, list) and not _is_array(plain)):
        yield key, shorten(as_json(plain), losses)
    else:
        yield key, plain


def _is_array(plain: list[Any]) -> bool:
    first = type(plain[0]) if plain else str
    return first in (str, bool, int, float) and all(type(item) is first for item in plain)


def as_json(plain: Any) -> str:
    """Return plain data as JSON text; bytes as base64, and numbers that JSON lacks (NaN, infinities) as text."""
    return _JSON.encode(_jsonable(plain))


def as_text(plain: Any) -> str:
    """Return plain data as text: a text as it is, a number as Python writes it, anything else as JSON."""
    if isinstance(plain, str):
        return plain
    return repr(plain) if type(plain) is int or type(plain) is float else as_json(plain)


def _jsonable(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {name: _jsonable(item) for name, item in plain.items()}
    if isinstance(plain, list):
        return [_jsonable(item) for item in plain]
    if isinstance(plain, bytes):
        return base64.b64encode(plain).decode("ascii")
    if isinstance(plain, float) and not math.isfinite(plain):
        return repr(plain)
    return plain
