"""What surrounds an event in its encoded record: who did it, the request, and when. What was seen before is ready."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from otel_events import semconv
from otel_events.direct.places import Place, UnusualError, is_plain_name, ordinary
from otel_events.privacy import Policy

_MAX_MEMBERS: Final = 16
_MAX_MEMBER_CHARACTERS: Final = 1024
_MAX_NAMES: Final = 1024
_MAX_PEOPLE: Final = 1024
_MAX_PERSON_CHARACTERS: Final = 128

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

Acting = tuple[bytes, "str | None", str]
"""The attributes of an actor; what the readable line calls it, None for nobody; and the line's `` by …``."""


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
        if redacted:
            return place.redacted
        if type(value) is str and len(value) <= _MAX_MEMBER_CHARACTERS:
            content = value.encode()
            return place.text[len(content)] + content
        return place.write(ordinary(value, _MAX_MEMBER_CHARACTERS))

    def __contains__(self, key: str) -> bool:
        return key in self._names

    def _place(self, name: str, key: str) -> tuple[Place, bool]:
        if len(self._names) >= _MAX_NAMES or not is_plain_name(name):
            raise UnusualError
        treatment = self._policy.treatment(None, name, None, f"{self._prefix}.{name}")
        return Place(key), treatment == "redact"


class ActorWriter:
    """Writes actors: ``user.id`` and its like, and what the readable line calls them.

    Args:
        policy: What of an actor is kept.

    Attributes:
        people: Those of the latest actors that have nothing but an id.
    """

    def __init__(self, policy: Policy) -> None:
        self.people: dict[str, Acting] = {}
        self._policy = policy
        self._members = Members(policy, semconv.ACTOR_PREFIX)
        self._id, self._hash = Place(semconv.USER_ID), Place(semconv.USER_HASH)

    def person(self, identity: str) -> Acting:
        """Return what is written of an actor that has nothing but an id, and keep it in ``people``.

        Raises:
            UnusualError: The id is not an ordinary one.
        """
        acting = self.somebody({"id": identity})
        if len(identity) <= _MAX_PERSON_CHARACTERS:
            if len(self.people) >= _MAX_PEOPLE:
                self.people.clear()
            self.people[identity] = acting
        return acting

    def somebody(self, actor: Any) -> Acting:
        """Return what is written of any actor.

        Raises:
            UnusualError: It is not a plain mapping of ordinary values, or its name does not fit into a line.
        """
        who, written = self.write(actor)
        if who is None:
            return written, None, ""
        if not who.isprintable():
            raise UnusualError
        return written, who, f" by {who}"

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
        if type(request) is not dict or len(request) > _MAX_MEMBERS:
            raise UnusualError
        write = self._members.write
        pieces = []
        for key, value in request.items():
            if type(key) is not str or key in taken or (key not in self._members and is_identity(key)):
                raise UnusualError
            pieces.append(write(key, key, value))
        return b"".join(pieces)


class Seconds:
    """Gives the nanoseconds since the Unix epoch of moments in UTC, for most of which they are those of the latest second.

    Attributes:
        latest: One pair: the beginning of a second, and its nanoseconds.
    """

    def __init__(self) -> None:
        self.latest = [(_EPOCH, 0)]

    def another(self, moment: datetime) -> int:
        """Return the nanoseconds of a moment that is not in the ``latest`` second, and go on to its second.

        Raises:
            UnusualError: It is before 1970, or too late for 64 bits.
        """
        since = moment - _EPOCH
        begin = (since.days * 86_400 + since.seconds) * 10**9
        if not 0 <= begin < 2**63 - 10**9:
            raise UnusualError
        microseconds = since.microseconds
        self.latest[0] = (moment - timedelta(microseconds=microseconds), begin)  # in one assignment, for other threads
        return begin + microseconds * 1000


def is_identity(key: str) -> bool:
    """Tell whether a key may be one that identifies the record or its actor."""
    return key in semconv.RESERVED_KEYS or key.startswith(("user.", f"{semconv.ACTOR_PREFIX}."))
