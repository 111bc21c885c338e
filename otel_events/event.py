"""The base class of typed events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any, ClassVar, Final

from otel_events.context import as_actor, current_actor

OPTIONS: Final = ("namespace", "severity", "message", "version", "delivery", "on_failure", "alerts")
"""Class attributes of an event that say how it is treated; no field of an ``Event`` may have such a name."""

BASE_FIELDS: Final = ("name", "actor", "created")
"""What every event has beside its own fields."""


_UTC: Final = timezone.utc


utc_now: Final = partial(datetime.now, _UTC)
"""Returns the time, in UTC."""


@dataclass
class Event:
    """Something that happened, as a typed dataclass. Subclass it, decorate with ``@dataclass``, and give it a ``name``::

        @dataclass
        class OrderPlaced(Event):
            name = "order-placed"
            order_id: str

    Args:
        actor: Who did it: a mapping with at least ``id``, a string as shorthand for one, or None. The default is the actor of
            the context (``with otel_events.actor(…)``).
        created: When it happened. Naive times are UTC; the default is now.

    Class attributes: ``name`` (required), and as options ``namespace`` (prefix of the fields' attribute keys), ``severity``
    (``"INFO"``), ``message`` (a template for the readable line: ``"{actor} placed {order_id}"``), ``version`` (int), ``delivery``
    (``"memory"``, ``"journal"``, ``"confirmed"``; default the tracker's) and ``on_failure`` (``"open"``, ``"closed"``; likewise).
    """

    name: ClassVar[str]
    namespace: ClassVar[str | None] = None
    severity: ClassVar[str | int] = "INFO"
    message: ClassVar[str | None] = None
    version: ClassVar[int | None] = None
    delivery: ClassVar[str | None] = None
    on_failure: ClassVar[str | None] = None

    actor: Mapping[str, Any] | str | None = field(default_factory=current_actor, kw_only=True)
    created: datetime = field(default_factory=utc_now, kw_only=True)

    def __post_init__(self) -> None:
        """Bring ``actor`` and ``created`` into one form. A subclass with its own ``__post_init__`` calls ``super()``'s."""
        actor, created = self.actor, self.created
        if isinstance(actor, str):
            self.actor = as_actor(actor)
        if isinstance(created, datetime) and created.tzinfo is not _UTC:
            self.created = in_utc(created)


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; a naive one is taken to be in UTC, and one that has none there stays as it is."""
    if moment.tzinfo is timezone.utc:
        return moment
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:  # in the first or last hours of what a datetime can be
        return moment
