"""Any Python value → attribute values, total: whatever a field holds, something honest comes out and nothing is raised.

It goes in two steps. ``Walk.plain`` turns a value into plain data (str, bool, int, float, bytes, None, list, dict), and redacts
while it walks, so that nothing secret is ever inside what comes next. ``Walk.attributes`` makes attributes of plain data.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, Final, NamedTuple
from uuid import UUID

from otel_events.markers import fields_of, hides_markers
from otel_events.privacy import REDACTED, Personal, Policy, Secret, stricter

AttributeValue = str | bool | int | float | bytes | list[str] | list[bool] | list[int] | list[float]
"""What an attribute holds (OpenTelemetry specification, "Attribute", with bytes as in log records)."""

MAX_ATTRIBUTES: Final = 128
MAX_CHARACTERS: Final = 4096
MAX_DEPTH: Final = 4
MAX_ITEMS: Final = 1024
"""Items of one sequence or mapping; in all of the nested data of one field, 4 times as many."""

_MAX_NESTING: Final = 16
_MAX_FIELD_CHARACTERS: Final = 16 * MAX_CHARACTERS
_MAX_KEY_CHARACTERS: Final = 256
_MAX_BITS: Final = 13_000
_INT64: Final = range(-(2**63), 2**63)
_CUT: Final = "…"
DROPPED: Final = object()
"""Stands for a value that the policy leaves out."""


class _Member(NamedTuple):
    """A named part of a value: its own name, the key it takes instead (or None), what it holds, and its marker."""

    name: Any
    alias: str | None
    value: Any
    marker: Personal | Secret | None


class Losses:
    """Counts what one conversion cut, left out or could not read.

    ``cut``: values or structures shortened to a limit. ``dropped``: attributes beyond the 128th. ``failed``: values that
    raised when they were read.
    """

    __slots__ = ("cut", "dropped", "failed")

    def __init__(self) -> None:
        self.cut = self.dropped = self.failed = 0


class Walk:
    """One field's way into plain data: the policy it follows and the room that is left.

    Args:
        policy: What is private.
        losses: Where cuts and failures are counted.
    """

    __slots__ = ("_characters", "_items_left", "losses", "policy")

    def __init__(self, policy: Policy, losses: Losses) -> None:
        self.policy = policy
        self.losses = losses
        self._items_left = 4 * MAX_ITEMS
        self._characters = _MAX_FIELD_CHARACTERS

    def plain(self, value: Any, key: str, level: int = 0) -> Any:
        """Return a value as plain data, redacted and bounded.

        Args:
            value: Anything.
            key: The attribute key it would have, by which secrets are known.
            level: How deep in its field it stands.
        """
        try:
            return self._plain(value, key, level)
        except Exception:
            self.losses.failed += 1
            return f"<unreadable {type(value).__name__}>"

    def _plain(self, value: Any, key: str, level: int) -> Any:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, Enum):
            return self.plain(value.value, key, level + 1) if level < _MAX_NESTING else self._cut_off()
        if isinstance(value, str):
            return self.text(str.__str__(value))
        if isinstance(value, int):
            number = int.__pos__(value)
            return number if number in _INT64 else self._digits(number)
        if isinstance(value, float):
            return float.__pos__(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._bytes(value)
        if isinstance(value, (datetime, date, time)):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, (Decimal, UUID, PurePath)):
            return self.text(str(value))
        if level >= _MAX_NESTING:
            return self._cut_off()
        members = _members(value)
        if members is not None:
            return self._mapping(members, key, level)
        if hides_markers(_class_of(value)):
            return REDACTED
        if isinstance(value, (Sequence, Set, deque)):
            items: Iterable[Any] = value if not isinstance(value, Set) else sorted(value, key=_set_order)
            return self._items(items, key, level)
        return self.text(str(value))

    def attributes(self, key: str, plain: Any, level: int = 0) -> Iterator[tuple[str, AttributeValue]]:
        """Yield the attributes that plain data makes under a key.

        Mappings are flattened with dots, four levels deep; sequences of one type are arrays; what is left is JSON text. None
        makes no attribute.
        """
        if plain is None:
            return
        if isinstance(plain, dict):
            if plain and level < MAX_DEPTH:
                for name, item in plain.items():
                    yield from self.attributes(f"{key}.{name}", item, level + 1)
            else:
                yield key, self._shorten(as_json(plain))
        elif isinstance(plain, list):
            first = type(plain[0]) if plain else str
            if first in (str, bool, int, float) and all(type(item) is first for item in plain):
                yield key, plain
            else:
                yield key, self._shorten(as_json(plain))
        else:
            yield key, plain

    def text(self, text: str) -> str:
        """Return a text that UTF-8 can hold and that is not longer than the limit."""
        text = self._shorten(text)
        self._characters -= len(text)
        if self._characters < 0:
            return self._cut_off()
        return text if text.isascii() else _without_surrogates(text)

    def _shorten(self, text: str) -> str:
        if len(text) <= MAX_CHARACTERS:
            return text
        self.losses.cut += 1
        return text[: MAX_CHARACTERS - 1] + _CUT

    def _bytes(self, value: bytes | bytearray | memoryview) -> bytes:
        content = bytes(value)
        if len(content) > MAX_CHARACTERS:
            self.losses.cut += 1
            content = content[:MAX_CHARACTERS]
        self._characters -= len(content)
        return content if self._characters >= 0 else b""

    def _digits(self, number: int) -> str:
        if number.bit_length() > _MAX_BITS:  # Python itself refuses to write more than 4,300 digits
            self.losses.cut += 1
            return f"(a number of {number.bit_length()} bits)"
        return self.text(str(number))

    def _mapping(self, members: Iterable[_Member], key: str, level: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for member in members:
            if not self._room(result):
                break
            name = self._name(member.name)
            if member.alias is not None and self.policy.is_secret(member.alias, member.alias):
                treated: Any = REDACTED
            else:
                treated = self.treat(member.value, name, f"{key}.{name}", member.marker, level + 1)
            if treated is not DROPPED:
                result[member.alias or name] = treated
        return result

    def treat(self, value: Any, name: str, key: str, marker: Personal | Secret | None, level: int = 0) -> Any:
        """Return a field's or member's value as plain data, with its own marker and its name taken into account.

        Returns:
            The plain data, ``[redacted]``, or ``DROPPED`` where the policy leaves it out.
        """
        if isinstance(marker, Secret) or self.policy.is_secret(name, key):
            return REDACTED
        if isinstance(marker, Personal):
            policy = stricter(marker.policy, self.policy.personal)
            if policy == "drop":
                return DROPPED
            if policy == "pseudonym":
                return self.pseudonym(value, key)
        return self.plain(value, key, level)

    def pseudonym(self, value: Any, key: str) -> str | None:
        """Return the pseudonym of a value; None has none."""
        plain = self.plain(value, key)
        if plain is None:
            return None
        return self.policy.pseudonym(plain if isinstance(plain, str) else as_json(plain))

    def _items(self, items: Iterable[Any], key: str, level: int) -> list[Any]:
        result: list[Any] = []
        for item in items:
            if not self._room(result):
                break
            result.append(self.plain(item, key, level + 1))
        return result

    def _room(self, container: list[Any] | dict[str, Any]) -> bool:
        self._items_left -= 1
        if len(container) < MAX_ITEMS and self._items_left >= 0:
            return True
        self.losses.cut += 1
        return False

    def _cut_off(self) -> str:
        self.losses.cut += 1
        return _CUT

    def _name(self, name: Any) -> str:
        """Return a mapping's key as text."""
        plain = name if isinstance(name, str) else self.plain(name, "", _MAX_NESTING)
        text = self.text(str(plain)) or "_"
        return text if len(text) <= _MAX_KEY_CHARACTERS else text[: _MAX_KEY_CHARACTERS - 1] + _CUT


def as_json(plain: Any) -> str:
    """Return plain data as JSON text; bytes as base64, and numbers that JSON lacks (NaN, infinities) as text."""
    return json.dumps(_jsonable(plain), ensure_ascii=False, separators=(",", ":"))


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


def _members(value: Any) -> Iterator[_Member] | None:
    """Return the named members of a value that has such; None for any other value."""
    cls = _class_of(value)
    if dataclasses.is_dataclass(cls):
        return (
            _Member(field.name, field.attribute, getattr(value, field.name, None), field.privacy)
            for field in fields_of(_class_of(value))
        )
    if hides_markers(cls):
        return None
    if isinstance(value, Mapping):
        return (_Member(name, None, value[name], None) for name in value)
    names: Iterable[str] | None = None
    if isinstance(value, tuple) and hasattr(cls, "_fields"):
        names = cls._fields
    elif hasattr(cls, "__attrs_attrs__"):
        names = [attribute.name for attribute in cls.__attrs_attrs__]
    elif isinstance(getattr(cls, "model_fields", None), dict):  # pydantic
        names = list(cls.model_fields)
    elif isinstance(value, SimpleNamespace):
        names = list(vars(value))
    return None if names is None else (_Member(name, None, getattr(value, name, None), None) for name in names)


def _class_of(value: Any) -> Any:
    """Return a value's true class; ``__class__`` may lie, as mocks and proxies make it do."""
    return type(value)


def _set_order(item: Any) -> tuple[str, str]:
    """Sort a set's items by type and text, so that equal sets give equal attributes."""
    return type(item).__name__, repr(item)


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot hold and which would sink a whole batch."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
