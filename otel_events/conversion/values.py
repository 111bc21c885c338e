"""Any Python value → plain data (str, bool, int, float, bytes, None, list, dict), total: nothing is raised.

It is redacted on the way, so that nothing private is ever inside what comes next, and bounded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, MappingView, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Integral, Rational, Real
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from otel_events.conversion.attributes import as_json, as_text
from otel_events.conversion.members import UNREADABLE, Member, holds_private, is_hidden, items_of, members_of
from otel_events.conversion.room import CUT, MAX_CHARACTERS, Losses, Room, shorten
from otel_events.privacy import REDACTED, Policy
from otel_events.semconv import MAX_KEY_LENGTH

_MAX_NESTING: Final = 16
_MAX_LOOKS: Final = 4096
_MAX_BITS: Final = 13_000
_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1


class Walk:
    """The way of one record's values into plain data.

    Args:
        policy: What is private.
        losses: Where cuts and failures are counted.
    """

    __slots__ = ("_looks", "_losses", "_policy", "_room")

    def __init__(self, policy: Policy, losses: Losses) -> None:
        self._policy = policy
        self._losses = losses
        self._room = Room(losses)
        self._looks: Iterator[int] = iter(range(_MAX_LOOKS))

    def field(self, value: Any, key: str) -> Any:
        """Return a whole field as plain data; it has room of its own."""
        self._room.begin_field()
        return self.plain(value, key)

    def plain(self, value: Any, key: str, level: int = 0) -> Any:
        """Return a value as plain data, redacted and bounded.

        Args:
            value: Anything.
            key: The attribute key it would have, by which secrets are known.
            level: How deep in its field it stands.
        """
        cls = type(value)
        if cls is str:
            return self.text(value)
        if value is None or cls is bool or cls is float or (cls is int and _MIN_INT <= value <= _MAX_INT):
            return value
        try:
            if value is not UNREADABLE:
                return self._plain(value, key, level)
            unreadable = "<unreadable>"
        except Exception:
            unreadable = f"<unreadable {cls.__name__}>"
        self._losses.failed += 1
        return self.text(unreadable)

    def pseudonym(self, plain: Any) -> str | None:
        """Return the pseudonym of plain data; None has none."""
        if plain is None:
            return None
        try:
            return self._policy.pseudonym(as_text(plain))
        except Exception:
            self._losses.failed += 1
            return REDACTED

    def text(self, text: str) -> str:
        """Return a text that UTF-8 can hold and for which there is room."""
        text = shorten(text, self._losses)
        if not self._room.take(len(text)):
            return CUT
        return text if text.isascii() else _without_surrogates(text)

    def _plain(self, value: Any, key: str, level: int) -> Any:
        cls = type(value)
        if cls is not dict and cls is not list:
            if isinstance(value, Enum) and not hasattr(cls, "__dataclass_fields__"):
                return self.plain(value.value, key, level + 1) if level < _MAX_NESTING else self._cut_off()
            for kind, convert in _SCALARS:
                if isinstance(value, kind):
                    return convert(self, value)
        if level >= _MAX_NESTING:
            return self._cut_off()
        if is_hidden(value):
            return REDACTED
        members = members_of(value)
        if members is not None:
            return self._mapping(members, key, level)
        items = items_of(value)
        if items is not None:
            plain = self._items(items, key, level)
            return sorted(plain, key=_order) if isinstance(value, Set) and not isinstance(value, MappingView) else plain
        if isinstance(value, Integral):
            return self._number(operator.index(value))
        if isinstance(value, Real) and not isinstance(value, Rational):
            return float(value)
        if holds_private(value, self._policy, self._looks):
            return REDACTED
        return self.text(_exact(str(value)))

    def _number(self, number: int) -> int | str:
        if _MIN_INT <= number <= _MAX_INT:
            return number
        if number.bit_length() > _MAX_BITS:  # Python itself refuses to write more than 4,300 digits
            self._losses.cut += 1
            return self.text(f"(a number of {number.bit_length()} bits)")
        return self.text(str(number))

    def _bytes(self, value: bytes | bytearray | memoryview) -> bytes:
        view = memoryview(value)
        view = view.cast("B") if view.c_contiguous else view
        content = view[:MAX_CHARACTERS].tobytes()[:MAX_CHARACTERS]
        if view.nbytes > len(content):
            self._losses.cut += 1
        return content if self._room.take(len(content)) else b""

    def _mapping(self, members: Iterable[Member], key: str, level: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        try:
            for member in members:
                name = self._name(member.name)
                if not self._room.take_item(len(result), name):
                    break
                inner = f"{key}.{name}"
                treatment = self._policy.treatment(member.marker, name, member.alias, inner)
                if treatment == "drop":
                    continue
                plain = REDACTED if treatment == "redact" else self.plain(member.value, inner, level + 1)
                shown = member.alias or self._key(name)
                if shown in result:
                    self._losses.dropped += 1
                result[shown] = self.pseudonym(plain) if treatment == "pseudonym" else plain
        except Exception:
            if not result:
                raise
            self._losses.failed += 1
        return result

    def _items(self, items: Iterable[Any], key: str, level: int) -> list[Any]:
        result: list[Any] = []
        first: Any = None
        try:
            for item in items:
                if not self._room.take_item(len(result)):
                    break
                if not result:
                    first = item
                result.append(self.plain(item, key, level + 1))
        except Exception:
            if not result:
                raise
            self._losses.failed += 1
        if len(result) == 2 and isinstance(first, (str, bytes)):
            # A pair may be a key and its value, as headers have them.
            name = self._name(first)
            if self._policy.is_secret(name, f"{key}.{name}"):
                result[1] = REDACTED
        return result

    def _name(self, name: Any) -> str:
        """Return a mapping's key as text, not yet cut to the length of keys: a secret is known by the whole of it."""
        if isinstance(name, str):
            text = _exact(name)
        elif isinstance(name, bytes):
            text = bytes.__getitem__(name, slice(MAX_CHARACTERS)).decode("utf-8", "replace")
        else:
            text = as_text(self.plain(name, "", _MAX_NESTING - 2))
        return text if text.isascii() else _without_surrogates(text)

    def _key(self, name: str) -> str:
        """Return a name as a part of an attribute key."""
        if len(name) <= MAX_KEY_LENGTH:
            return name or "_"
        self._losses.cut += 1
        return name[: MAX_KEY_LENGTH - 1] + CUT

    def _cut_off(self) -> str:
        self._losses.cut += 1
        return CUT


_SCALARS: Final[tuple[tuple[Any, Callable[[Walk, Any], Any]], ...]] = (
    (str, lambda walk, value: walk.text(_exact(value))),
    (int, lambda walk, value: walk._number(int.__pos__(value))),
    (float, lambda _walk, value: float.__pos__(value)),
    ((bytes, bytearray, memoryview), Walk._bytes),
    (datetime, lambda walk, value: walk.text(datetime.isoformat(value))),
    (date, lambda walk, value: walk.text(date.isoformat(value))),
    (time, lambda walk, value: walk.text(time.isoformat(value))),
    (timedelta, lambda _walk, value: timedelta.total_seconds(value)),
    (Decimal, lambda walk, value: walk.text(Decimal.__str__(value))),
    (UUID, lambda walk, value: walk.text(UUID.__str__(value))),
    (PurePath, lambda walk, value: walk.text(PurePath.__str__(value))),
)
"""Types of which a value stays one value, and what makes it, whatever a subclass overrides; ``datetime`` is before ``date``."""


def _exact(text: str) -> str:
    """Return the beginning of a text, as much as can be shown and one character more, past what a subclass overrides."""
    return str.__getitem__(text, slice(MAX_CHARACTERS + 1))


def _order(plain: Any) -> tuple[str, Any]:
    """Sort a set's items by type and value, so that equal sets give equal attributes."""
    return type(plain).__name__, plain if isinstance(plain, (str, int, float, bytes)) else as_json(plain)


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot hold and which would sink a whole batch."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
