"""ASGI: puts the actor and the request on every event tracked in a request, whatever the framework."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from typing import Any

from otel_events.context import Actor, actor, request
from otel_events.flushing import Flusher, TrackerSource
from otel_events.integrations.actors import ActorFailures, checked_actor
from otel_events.integrations.request import asgi_request_attributes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

Who = Actor | str | None
ActorOfScope = Callable[[Scope], Who | Awaitable[Who]]
"""Gives the actor of a request, from its scope. It runs on the event loop: where it has to wait, it is async."""


class EventContextMiddleware:
    """Surrounds HTTP requests and WebSockets with their actor and attributes, until the response is sent or the socket closed.

    ::

        app.add_middleware(EventContextMiddleware, actor=lambda scope: scope["session"].get("user"))   # Starlette, FastAPI
        app = EventContextMiddleware(app)                                                               # any ASGI application

    Args:
        app: The application.
        actor: Called with the scope of each request; may be async. Returns a mapping with at least ``id``, a string as
            shorthand for one, or None for nobody. When it raises, the request goes on without an actor. Left out, the actor is
            whatever the application sets.
        flush: The tracker, or a function that returns it: once the application is done with a request, what waits is sent
            before the server is told so, as where the process is frozen then. Left out, it is sent when its time has come.
        flush_seconds: How long that may take.

    Raises:
        SettingsError: ``flush`` or ``flush_seconds`` is of another kind.
    """

    def __init__(
        self,
        app: ASGIApp,
        actor: ActorOfScope | None = None,
        *,
        flush: TrackerSource | None = None,
        flush_seconds: float = 2.0,
    ) -> None:
        self._app = app
        self._actor = actor
        self._failures = ActorFailures()
        self._flusher = None if flush is None else Flusher(flush, flush_seconds, "EventContextMiddleware")

    @property
    def actor_failures(self) -> int:
        """How often ``actor`` raised or returned what is no actor."""
        return self._failures.count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            with ExitStack() as surroundings:
                surroundings.enter_context(request(asgi_request_attributes(scope)))
                if self._actor is not None:
                    surroundings.enter_context(actor(await self._who(self._actor, scope)))
                await self._app(scope, receive, send)
        finally:
            if self._flusher is not None:
                await self._flusher.flush_async()

    async def _who(self, actor_of: ActorOfScope, scope: Scope) -> Actor | None:
        try:
            who = actor_of(scope)
            return checked_actor(await who if inspect.isawaitable(who) else who)
        except Exception as error:
            self._failures.add(error)
            return None
