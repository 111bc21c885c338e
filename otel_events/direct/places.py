"""Where attributes stand in an encoded record: the bytes around each value, made ready once for each key."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring
from typing import Any, Final
from uuid import UUID

from otel_events.conversion.attributes import as_json
from otel_events.conversion.room import MAX_CHARACTERS
from otel_events.direct.protobuf import (
    ATTRIBUTES,
    FieldHeaders,
    TextHeaders,
    any_value,
    double,
    field,
    int64,
    varint,
)
from otel_events.privacy import REDACTED

_MAX_NUMBERS: Final = 1024
_ITEM_CHARACTERS: Final = 16
"""What an item counts beside its characters, as in ``conversion/room.py``."""
_MAX_ITEMS: Final = MAX_CHARACTERS // _ITEM_CHARACTERS
_PLAIN: Final[dict[type, Callable[[Any], Any]]] = {
    Decimal: str,
    UUID: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
}
_ITEM: Final = FieldHeaders(b"\x0a")  # ArrayValue.values
_TEXT: Final = FieldHeaders(b"\x0a")  # AnyValue.string_value


class UnusualError(Exception):
    """An event holds something that is not written the straight way; it is converted first."""


class Place:
    """The place of an attribute in a record, and how a value of each ordinary type is written there.

    Args:
        key: The attribute key.
    """

    __slots__ = ("double", "false", "head", "redacted", "text", "true")

    def __init__(self, key: str) -> None:
        self.head = field(b"\x0a", key.encode()) + b"\x12"
        self.text = TextHeaders(ATTRIBUTES, self.head)
        self.redacted = self._whole(any_value(REDACTED))
        self.true, self.false = self._whole(any_value(True)), self._whole(any_value(False))
        self.double = self._whole(any_value(0.0))[:-8]

    def write(self, plain: str | bool | int | float | None) -> bytes:
        """Write plain data, as ``ordinary`` gives it; None makes no attribute."""
        cls = type(plain)
        if cls is str:
            return self.string(plain)  # type: ignore[arg-type] # its class was just looked at
        if plain is None:
            return b""
        if cls is float:
            return self.double + double(plain)
        if cls is bool:
            return self.true if plain else self.false
        return self.number(plain)  # type: ignore[arg-type] # likewise

    def number(self, number: int) -> bytes:
        """Write a whole number.

        Raises:
            UnusualError: It needs more than 64 bits.
        """
        if not -(2**63) <= number < 2**63:
            raise UnusualError
        return self._whole(b"\x18" + int64(number))

    def string(self, text: str) -> bytes:
        """Write a text."""
        content = text.encode()
        return self.text[len(content)] + content

    def array(self, items: bytes) -> bytes:
        """Write an array, of which the items are written already."""
        return self._whole(field(b"\x2a", items))

    def _whole(self, value: bytes) -> bytes:
        return field(ATTRIBUTES, self.head + varint(len(value)) + value)


class Numbers(dict[int, tuple[bytes, str]]):
    """Whole numbers in a certain place: ``numbers[n]`` is the attribute and the text in the line, kept for those that come first.

    Args:
        place: Where the attribute stands.
        label: What stands before the number in the line.
    """

    __slots__ = ("_label", "_place")

    def __init__(self, place: Place, label: str) -> None:
        self._place, self._label = place, label

    def __missing__(self, number: int) -> tuple[bytes, str]:
        written = self._place.number(number), f"{self._label}{number}"
        if len(self) < _MAX_NUMBERS:
            self[number] = written
        return written


def ordinary(value: Any, max_characters: int = MAX_CHARACTERS) -> Any:
    """Return a value of an ordinary type as the plain data that conversion makes of it: str, bool, int, float or None.

    Args:
        value: Anything.
        max_characters: The longest text.

    Raises:
        UnusualError: It is of another type, too long, or too large.
    """
    cls = type(value)
    if cls in _PLAIN:
        value = _PLAIN[cls](value)
        cls = type(value)
    elif isinstance(value, Enum) and not hasattr(cls, "__dataclass_fields__"):
        value = value.value
        cls = type(value)
    if (
        (cls is str and len(value) <= max_characters)
        or value is None
        or cls is bool
        or cls is float
        or (cls is int and -(2**63) <= value < 2**63)
    ):
        return value
    raise UnusualError


def items_of(values: list[Any] | tuple[Any, ...]) -> tuple[bytes, str]:
    """Return the items of an array, written, and its text in the line.

    Args:
        values: A list or tuple.

    Raises:
        UnusualError: Its items are not all of one type, str, bool, int or float, or there are too many, or they are too long.
    """
    kinds = set(map(type, values))
    if len(kinds) > 1 or len(values) > _MAX_ITEMS:
        raise UnusualError
    kind = kinds.pop() if kinds else str
    if kind is str:
        if sum(map(len, values)) + _ITEM_CHARACTERS * len(values) > MAX_CHARACTERS:
            raise UnusualError
        texts = map(encode_basestring, values)
        pieces: list[bytes] = []
        for value in values:
            content = value.encode()
            head = _TEXT[len(content)]
            pieces += (_ITEM[len(head) + len(content)], head, content)
    elif kind is bool:
        texts = map(as_json, values)
        pieces = [b"\x0a\x02\x10\x01" if value else b"\x0a\x02\x10\x00" for value in values]
    elif kind is int and all(-(2**63) <= value < 2**63 for value in values):
        texts = map(repr, values)
        pieces = [field(b"\x0a", b"\x18" + int64(value)) for value in values]
    elif kind is float:
        texts = map(repr if all(map(math.isfinite, values)) else as_json, values)
        pieces = [b"\x0a\x09\x21" + double(value) for value in values]
    else:
        raise UnusualError
    return b"".join(pieces), f"[{','.join(texts)}]"[:MAX_CHARACTERS]


def is_plain_name(name: str) -> bool:
    """Tell whether a name stands in a key as it is."""
    return 0 < len(name) <= 64 and name.isascii() and name.isprintable()
