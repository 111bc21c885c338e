"""Who acts, and in which request: what surrounds a piece of code and every event made in it.

One context variable holds both. It follows asyncio tasks by itself; a thread started by hand gets it through
``contextvars.copy_context().run``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

Actor = Mapping[str, Any]
"""Who did it: a mapping with at least ``id``, as Datasette's actors are."""


class Surroundings(NamedTuple):
    """The actor and the request attributes in force."""

    actor: Actor | None
    request: Mapping[str, Any]


_NOWHERE = Surroundings(None, {})
surroundings: ContextVar[Surroundings] = ContextVar("otel_events_surroundings", default=_NOWHERE)
"""What holds them."""


def as_actor(actor: Actor | str | None) -> Actor | None:
    """Return an actor in its long form: the shorthand ``"alice"`` is ``{"id": "alice"}``."""
    return {"id": actor} if isinstance(actor, str) else actor


@contextmanager
def actor(who: Actor | str | None) -> Iterator[None]:
    """Make ``who`` the actor of every event made inside the ``with`` block.

    Args:
        who: A mapping with at least ``id``, a string (shorthand for ``{"id": …}``), or None for nobody.
    """
    token = surroundings.set(Surroundings(as_actor(who), surroundings.get().request))
    try:
        yield
    finally:
        surroundings.reset(token)


def set_actor(who: Actor | str | None) -> None:
    """Make ``who`` the actor from here on in the current context, where a ``with`` block does not fit.

    In a task or a request that is run in a context of its own (as ASGI servers do) this ends with it.
    """
    surroundings.set(Surroundings(as_actor(who), surroundings.get().request))


@contextmanager
def request(attributes: Mapping[str, Any]) -> Iterator[None]:
    """Put attributes on every event tracked inside the ``with`` block, under their keys as they are.

    Args:
        attributes: Semantic-convention keys and values, such as ``{"client.address": "192.0.2.1"}``. Host integrations set
            these; they are converted, limited and redacted like an event's own fields.
    """
    token = surroundings.set(Surroundings(surroundings.get().actor, attributes))
    try:
        yield
    finally:
        surroundings.reset(token)


def set_request(attributes: Mapping[str, Any]) -> None:
    """Put attributes on every event tracked from here on in the current context, where a ``with`` block does not fit.

    Host integrations call it in a context of the request's own, with which it ends.
    """
    surroundings.set(Surroundings(surroundings.get().actor, attributes))


def current_actor() -> Actor | None:
    """Return the actor in force here, or None."""
    return surroundings.get().actor


def current_request() -> Mapping[str, Any]:
    """Return the request attributes in force here; empty outside a request."""
    return surroundings.get().request
