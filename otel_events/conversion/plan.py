"""One plan per event class and policy, made once: which field goes where, and what is done to it on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from typing import Any, Final, NamedTuple

from otel_events import semconv
from otel_events.conversion.attributes import AttributeValue, as_text, attributes_of
from otel_events.conversion.line import default_line, message_line, one_line
from otel_events.conversion.room import MAX_ATTRIBUTES, Losses, shorten
from otel_events.conversion.values import Walk
from otel_events.definition import MAX_NAME_LENGTH, EventDefinition
from otel_events.event import in_utc
from otel_events.privacy import REDACTED, Policy, Treatment
from otel_events.stamp import Stamp

Attributes = dict[str, AttributeValue]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_NS: Final = 2**63 - 1
_NOBODY: Final = "anonymous"


class FieldPlan(NamedTuple):
    """A field's way: its name, its attribute key, what is done to it, and how it is read."""

    name: str
    key: str
    treatment: Treatment
    get: Callable[[Any], Any]


class Plan:
    """How the events of one class are converted under one policy.

    Args:
        definition: The class, as data.
        policy: What is private.

    Attributes:
        fields: The event's own fields, in their order.
        hidden: What is done to ``name``, ``actor`` and ``created`` where they are marked.
    """

    def __init__(self, definition: EventDefinition, policy: Policy) -> None:
        self.definition = definition
        self.policy = policy
        namespace = definition.namespace or policy.namespace or definition.default_namespace
        self.fields = tuple(
            FieldPlan(
                field.name,
                key := field.attribute or f"{namespace}.{field.name[: semconv.MAX_KEY_LENGTH]}",
                policy.treatment(field.privacy, field.name, field.attribute, key),
                attrgetter(field.name),
            )
            for field in definition.fields
        )
        self.hidden = {
            field.name: treatment
            for field in definition.base_fields
            if (treatment := policy.treatment(field.privacy, "", None, "")) != "keep"
        }

    def name(self, event: Any) -> str:
        """Return the event's name; its class's where it has none that can be shown."""
        if self.definition.name is not None:
            return self.definition.name
        try:
            own = None if "name" in self.hidden else event.name
            name = "" if own is None else as_text(Walk(self.policy, Losses()).plain(own, "name"))
        except Exception:
            name = ""
        return one_line(name)[:MAX_NAME_LENGTH].strip() or one_line(type(event).__name__)[:MAX_NAME_LENGTH]

    def created_ns(self, event: Any, losses: Losses) -> int:
        """Return when the event happened, in nanoseconds since the Unix epoch.

        OTLP's times begin in 1970, and backends keep them in 64 bits: what is before or after is moved to that bound and
        counted as cut. Without a usable time, 0, which the log data model calls unknown.
        """
        try:
            created = self._created(event)
        except Exception:
            losses.failed += 1
            return 0
        if created is None:
            return 0
        ns = (created - _EPOCH) // _MICROSECOND * 1000
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
        if stamp is not None and stamp.uid:
            attributes[semconv.LOG_RECORD_UID] = stamp.uid
        if self.definition.version is not None:
            attributes[semconv.EVENT_VERSION] = self.definition.version
        walk = Walk(self.policy, losses)
        who = self._actor(event, attributes, walk, losses)
        if stamp is not None and stamp.request:
            request = walk.field(stamp.request, "request")
            for key, plain in request.items() if isinstance(request, dict) else ():
                _add(attributes, key, plain, losses)
        shown: dict[str, Any] = {}
        for field in self.fields:
            treatment = field.treatment
            if treatment == "redact":
                plain = REDACTED
            elif treatment == "drop":
                shown[field.name] = REDACTED
                continue
            else:
                try:
                    value = field.get(event)
                except Exception:
                    losses.failed += 1
                    continue
                plain = walk.field(value, field.key)
                if treatment == "pseudonym":
                    plain = walk.pseudonym(plain)
            shown[field.name] = plain
            _add(attributes, field.key, plain, losses)
        return attributes, self._line(event, who, shown)

    def _actor(self, event: Any, attributes: Attributes, walk: Walk, losses: Losses) -> str | None:
        """Add the actor's attributes and return what the readable line calls the actor, None for nobody."""
        policy = self.policy.actor
        hidden = self.hidden.get("actor")
        if policy == "none" or hidden in ("redact", "drop"):
            return None
        try:
            actor = event.actor
        except AttributeError:
            return None
        except Exception:
            losses.failed += 1
            return None
        plain = walk.field(actor, semconv.ACTOR_PREFIX)
        members = plain if isinstance(plain, dict) else {"id": plain}
        identity = members.pop("id", None)
        who = None if identity is None else shorten(as_text(identity), losses)
        if policy == "pseudonym" or hidden == "pseudonym":
            who = walk.pseudonym(who)
            if who is not None:
                attributes[semconv.USER_HASH] = who
            return who
        if who is not None:
            attributes[semconv.USER_ID] = who
        if policy == "full":
            for name, item in members.items():
                key = semconv.ACTOR_KEYS.get(name)
                _add(
                    attributes,
                    f"{semconv.ACTOR_PREFIX}.{name}" if key is None or key in attributes else key,
                    item,
                    losses,
                )
        return who

    def _line(self, event: Any, who: str | None, shown: dict[str, Any]) -> str:
        """Return the readable line, made only of what the attributes already show."""
        name = self.name(event)
        if self.definition.message is None:
            return default_line(name, who, shown)
        try:
            created = self._created(event)
        except Exception:
            created = None
        written = None if created is None else in_utc(created).isoformat(timespec="seconds")
        shown.update(name=name, actor=who or _NOBODY, created=written)
        return message_line(self.definition.message, shown)

    def _created(self, event: Any) -> datetime | None:
        """Return when the event happened, as a datetime that nothing overrides; None where that is private.

        Raises:
            Exception: Whatever comes of an event without a usable time.
        """
        if "created" in self.hidden:
            return None
        created = event.created
        if type(created) is not datetime:
            created = datetime.combine(datetime.date(created), datetime.timetz(created))
        return created if created.utcoffset() is not None else created.replace(tzinfo=timezone.utc)


def _add(attributes: Attributes, key: str, plain: Any, losses: Losses) -> None:
    """Add what plain data makes under a key. A later value takes the key of an earlier one, unless it is the identity's."""
    if plain is None:
        return
    for inner, value in attributes_of(key, plain, losses) if isinstance(plain, (dict, list)) else ((key, plain),):
        if inner in semconv.RESERVED_KEYS or (len(attributes) >= MAX_ATTRIBUTES and inner not in attributes):
            losses.dropped += 1
            continue
        losses.dropped += inner in attributes
        attributes[inner] = value
