"""One plan per event class and policy, made once: which field goes where, and what is done to it on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from typing import Any, Final, NamedTuple

from otel_events import semconv
from otel_events.conversion.values import DROPPED, MAX_ATTRIBUTES, MAX_CHARACTERS, AttributeValue, Losses, Walk, as_json
from otel_events.definition import MAX_NAME_LENGTH, EventDefinition
from otel_events.event import in_utc
from otel_events.privacy import REDACTED, Personal, Policy, Secret
from otel_events.stamp import Stamp

Attributes = dict[str, AttributeValue]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_NS: Final = 2**63 - 1
_NOBODY: Final = "anonymous"
_LINE: Final = dict.fromkeys((*range(32), 127, 133, 8232, 8233), " ")


class FieldPlan(NamedTuple):
    """A field's way: its name, its attribute key, its marker, and whether its name alone has it redacted."""

    name: str
    key: str
    marker: Personal | Secret | None
    redacted: bool
    get: Callable[[Any], Any]


class Plan:
    """How the events of one class are converted under one policy.

    Args:
        definition: The class, as data.
        policy: What is private.
    """

    def __init__(self, definition: EventDefinition, policy: Policy) -> None:
        self.definition = definition
        self.policy = policy
        namespace = definition.namespace or policy.namespace or default_namespace(definition.cls)
        self.fields = tuple(
            _plan_field(
                field.name, field.attribute or f"{namespace}.{field.name}", field.attribute, field.privacy, policy
            )
            for field in definition.fields
        )

    def name(self, event: Any) -> str:
        """Return the event's name."""
        if self.definition.name is not None:
            return self.definition.name
        try:
            name = Walk(self.policy, Losses()).text(str(event.name))
        except Exception:
            name = ""
        return name.translate(_LINE)[:MAX_NAME_LENGTH] or type(event).__name__

    def created_ns(self, event: Any, losses: Losses) -> int:
        """Return when the event happened, in nanoseconds since the Unix epoch.

        OTLP's times begin in 1970, and backends keep them in 64 bits: what is before or after is moved to that bound and
        counted as cut. Without a usable time, 0, which the log data model calls unknown.
        """
        try:
            created = event.created
            since = in_utc(created) - _EPOCH
        except Exception:
            losses.failed += 1
            return 0
        ns = (since // timedelta(microseconds=1)) * 1000
        if 0 <= ns <= _MAX_NS:
            return ns
        losses.cut += 1
        return min(max(ns, 0), _MAX_NS)

    def attributes(self, event: Any, stamp: Stamp | None, losses: Losses) -> tuple[Attributes, str]:
        """Return the event's attributes and its readable line.

        The identity comes first, then the actor, the request and the fields, so that what the limit of 128 leaves out is
        never the identity.
        """
        attributes: Attributes = {}
        shown: dict[str, Any] = {}
        if stamp is not None and stamp.uid:
            attributes[semconv.LOG_RECORD_UID] = stamp.uid
        if self.definition.version is not None:
            attributes[semconv.EVENT_VERSION] = self.definition.version
        who = self._actor(event, attributes, losses)
        if stamp is not None:
            for key, value in stamp.request.items():
                walk = Walk(self.policy, losses)
                _add(attributes, walk, str(key), walk.treat(value, str(key), str(key), None), losses)
        for field in self.fields:
            walk = Walk(self.policy, losses)
            if field.redacted:
                treated: Any = REDACTED
            else:
                try:
                    value = field.get(event)
                except Exception:
                    losses.failed += 1
                    continue
                treated = walk.treat(value, field.name, field.key, field.marker)
            if treated is DROPPED:
                shown[field.name] = REDACTED
                continue
            shown[field.name] = treated
            _add(attributes, walk, field.key, treated, losses)
        return attributes, self._line(event, who, shown)

    def _actor(self, event: Any, attributes: Attributes, losses: Losses) -> str:
        """Add the actor's attributes and return what the readable line calls the actor."""
        policy = self.policy.actor
        try:
            actor = event.actor
        except Exception:
            actor = None
        if actor is None or policy == "none":
            return _NOBODY
        walk = Walk(self.policy, losses)
        plain = walk.plain(actor, semconv.ACTOR_PREFIX)
        members = plain if isinstance(plain, dict) else {"id": plain}
        identity = members.get("id")
        who = identity if isinstance(identity, str) or identity is None else as_json(identity)
        if policy == "pseudonym":
            if who is None:
                return _NOBODY
            attributes[semconv.USER_HASH] = self.policy.pseudonym(who)
            return self.policy.pseudonym(who)
        if who is not None:
            attributes[semconv.USER_ID] = who
        if policy == "full":
            for name, item in members.items():
                if name != "id":
                    key = semconv.ACTOR_KEYS.get(name, f"{semconv.ACTOR_PREFIX}.{name}")
                    if key not in attributes:
                        _add(attributes, walk, key, item, losses)
        return who or _NOBODY

    def _line(self, event: Any, who: str, shown: dict[str, Any]) -> str:
        """Return the readable line, made only of what the attributes already show."""
        if self.definition.message is None:
            values = " ".join(f"{name}={_in_line(value)}" for name, value in shown.items() if value is not None)
            line = f"{self.name(event)}{'' if who is _NOBODY else f' by {who}'}{': ' if values else ''}{values}"
        else:
            shown.update(actor=who, name=self.name(event), created=self._created_text(event))
            pieces = []
            for literal, field in self.definition.message:
                pieces.append(literal)
                if field is not None:
                    pieces.append(_in_line(shown.get(field)))
            line = "".join(pieces)
        line = line.translate(_LINE)
        return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"

    def _created_text(self, event: Any) -> str | None:
        try:
            return in_utc(event.created).isoformat(timespec="seconds")
        except Exception:
            return None


def default_namespace(cls: type) -> str:
    """Return the prefix of a class's fields: the top-level package that defines it, ``app`` for a script."""
    package = cls.__module__.partition(".")[0]
    return "app" if package == "__main__" else package


def _plan_field(name: str, key: str, alias: str | None, marker: Personal | Secret | None, policy: Policy) -> FieldPlan:
    redacted = policy.is_secret(name, key) or (alias is not None and policy.is_secret(alias, alias))
    return FieldPlan(name, key, marker, redacted or isinstance(marker, Secret), attrgetter(name))


def _add(attributes: Attributes, walk: Walk, key: str, plain: Any, losses: Losses) -> None:
    for inner, value in walk.attributes(key, plain):
        if len(attributes) < MAX_ATTRIBUTES or inner in attributes:
            attributes[inner] = value
        else:
            losses.dropped += 1


def _in_line(plain: Any) -> str:
    """Write plain data into a line; None is a dash."""
    if plain is None:
        return "-"
    if isinstance(plain, str):
        return plain
    if isinstance(plain, bytes):
        return f"({len(plain)} bytes)"
    return as_json(plain)
