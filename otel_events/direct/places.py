"""Where attributes stand in an encoded record: the bytes around each value, made ready once for each key."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from otel_events import semconv
from otel_events.conversion.room import MAX_CHARACTERS
from otel_events.direct.protobuf import TextHeaders, any_value, double, field, int64, varint
from otel_events.privacy import REDACTED, Policy

ATTRIBUTES: Final = b"\x32"
"""The tag of ``LogRecord.attributes``."""

_MAX_MEMBERS: Final = 16
_MAX_MEMBER_CHARACTERS: Final = 1024
_MAX_NAMES: Final = 1024
_MAX_NUMBERS: Final = 1024
_AS_TEXT: Final[dict[type, Any]] = {
    Decimal: str,
    UUID: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
}


class UnusualError(Exception):
    """An event holds something that is not written the straight way; it is converted first."""


class Place:
    """The place of an attribute in a record, and how a value of each ordinary type is written there.

    Args:
        key: The attribute key.
    """

    __slots__ = ("_head", "double", "false", "numbers", "redacted", "text", "true")

    def __init__(self, key: str) -> None:
        self._head = field(b"\x0a", key.encode()) + b"\x12"
        self.text = TextHeaders(ATTRIBUTES, self._head)
        self.redacted = self._whole(any_value(REDACTED))
        self.true, self.false = self._whole(any_value(True)), self._whole(any_value(False))
        self.double = self._whole(any_value(0.0))[:-8]
        self.numbers: dict[int, bytes] = {}

    def write(self, plain: str | bool | int | float | None) -> bytes:
        """Write plain data, as ``ordinary`` gives it; None makes no attribute."""
        cls = type(plain)
        if plain is None:
            return b""
        if cls is str:
            return self.string(plain)  # type: ignore[arg-type] # its class was just looked at
        if cls is float:
            return self.double + double(plain)
        if cls is bool:
            return self.true if plain else self.false
        return self.numbers.get(plain) or self.number(plain)  # type: ignore[arg-type] # likewise

    def number(self, number: int) -> bytes:
        """Write a whole number; small ones that come up often are then found in ``numbers``.

        Raises:
            UnusualError: It needs more than 64 bits.
        """
        if not -(2**63) <= number < 2**63:
            raise UnusualError
        written = self._whole(b"\x18" + int64(number))
        if len(self.numbers) < _MAX_NUMBERS:
            self.numbers[number] = written
        return written

    def string(self, text: str) -> bytes:
        """Write a text."""
        content = text.encode()
        return self.text[len(content)] + content

    def _whole(self, value: bytes) -> bytes:
        return field(ATTRIBUTES, self._head + varint(len(value)) + value)


def ordinary(value: Any, max_characters: int = MAX_CHARACTERS) -> Any:
    """Return a value of an ordinary type as the plain data that conversion makes of it: str, bool, int, float or None.

    Args:
        value: Anything.
        max_characters: The longest text.

    Raises:
        UnusualError: It is of another type, too long, or too large.
    """
    cls = type(value)
    if cls in _AS_TEXT:
        value, cls = _AS_TEXT[cls](value), str
    if (
        (cls is str and len(value) <= max_characters)
        or value is None
        or cls is bool
        or cls is float
        or (cls is int and -(2**63) <= value < 2**63)
    ):
        return value
    raise UnusualError


class Members:
    """Writes the members of an actor or of a request, whose names come up at run time.

    Args:
        policy: What is private.
        prefix: What stands before a name where secrets are looked for, ``actor`` or ``request``.
    """

    def __init__(self, policy: Policy, prefix: str) -> None:
        self._policy = policy
        self._prefix = prefix
        self._names: dict[str, tuple[Place, bool]] = {}

    def write(self, name: Any, key: str, value: Any) -> bytes:
        """Write one member.

        Args:
            name: Its name.
            key: The attribute key for it.
            value: What it holds.

        Raises:
            UnusualError: Name or value is not an ordinary one.
        """
        known = self._names.get(key)
        if known is None:
            known = self._names[key] = self._place(name, key)
        place, redacted = known
        return place.redacted if redacted else place.write(ordinary(value, _MAX_MEMBER_CHARACTERS))

    def _place(self, name: str, key: str) -> tuple[Place, bool]:
        if len(self._names) >= _MAX_NAMES or not is_plain_name(name):
            raise UnusualError
        treatment = self._policy.treatment(None, name, None, f"{self._prefix}.{name}")
        return Place(key), treatment == "redact"


class ActorWriter:
    """Writes actors: ``user.id`` and its like, and what the readable line calls them.

    Args:
        policy: What of an actor is kept.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._members = Members(policy, semconv.ACTOR_PREFIX)
        self._id, self._hash = Place(semconv.USER_ID), Place(semconv.USER_HASH)

    def write(self, actor: Any) -> tuple[str | None, bytes]:
        """Return what the line calls the actor, None for nobody, and its attributes.

        Raises:
            UnusualError: It is not a plain mapping of ordinary values.
        """
        policy = self._policy.actor
        if actor is None or policy == "none":
            return None, b""
        if type(actor) is not dict or len(actor) > _MAX_MEMBERS:
            raise UnusualError
        identity = ordinary(actor.get("id"), _MAX_MEMBER_CHARACTERS)
        if type(identity) is int:
            identity = repr(identity)
        elif identity is not None and type(identity) is not str:
            raise UnusualError
        if policy == "pseudonym":
            if identity is None:
                return None, b""
            identity.encode()  # a lone surrogate is not for here
            identity = self._policy.pseudonym(identity)
            return identity, self._hash.string(identity)
        written = b"" if identity is None else self._id.string(identity)
        if policy == "full" and (len(actor) > 1 or "id" not in actor):
            written += self._others(actor)
        return identity, written

    def _others(self, actor: dict[Any, Any]) -> bytes:
        taken: set[str] = set()
        pieces = []
        for name, value in actor.items():
            if name == "id":
                continue
            if type(name) is not str:
                raise UnusualError
            key = semconv.ACTOR_KEYS.get(name)
            if key is None or key in taken:
                key = f"{semconv.ACTOR_PREFIX}.{name}"
            piece = self._members.write(name, key, value)
            if piece:
                taken.add(key)
                pieces.append(piece)
        return b"".join(pieces)


class RequestWriter:
    """Writes the attributes of a request.

    Args:
        policy: What is private.
    """

    def __init__(self, policy: Policy) -> None:
        self._members = Members(policy, "request")

    def write(self, request: Any, taken: frozenset[str]) -> bytes:
        """Return the attributes.

        Args:
            request: A mapping of keys to values.
            taken: Keys of the event's own fields.

        Raises:
            UnusualError: It is not a plain mapping of ordinary values, or a key is taken.
        """
        if not request:
            return b""
        if type(request) is not dict or len(request) > _MAX_MEMBERS:
            raise UnusualError
        pieces = []
        for key, value in request.items():
            if type(key) is not str or key in taken or is_identity(key):
                raise UnusualError
            pieces.append(self._members.write(key, key, value))
        return b"".join(pieces)


def is_plain_name(name: str) -> bool:
    """Tell whether a name stands in a key as it is."""
    return 0 < len(name) <= 64 and name.isascii() and name.isprintable()


def is_identity(key: str) -> bool:
    """Tell whether a key may be one that identifies the record or its actor."""
    return key in semconv.RESERVED_KEYS or key.startswith(("user.", f"{semconv.ACTOR_PREFIX}."))
