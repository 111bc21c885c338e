"""WSGI: puts the actor and the request on every event tracked in a request, whatever the framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from typing import Any

from otel_events.context import Actor, set_actor, set_request
from otel_events.flushing import Flusher, TrackerSource
from otel_events.integrations.actors import ActorFailures, checked_actor
from otel_events.integrations.request import wsgi_request_attributes

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

ActorOfEnviron = Callable[[Environ], Actor | str | None]
"""Gives the actor of a request, from its environ."""


class EventContextMiddleware:
    """Surrounds each request with its actor and attributes, until the last of its body is sent or the body closed.

    ::

        app.wsgi_app = EventContextMiddleware(app.wsgi_app, actor=lambda environ: environ.get("REMOTE_USER"))   # Flask

    A request is run in a copy of the server thread's context, so that nothing set in it is left behind in the thread.

    Args:
        app: The application.
        actor: Called with the environ of each request. Returns a mapping with at least ``id``, a string as shorthand for one,
            or None for nobody. When it raises, the request goes on without an actor. Left out, the actor is whatever the
            application sets.
        flush: The tracker, or a function that returns it: once the body is closed, or the application has raised, what waits is
            sent before the server goes on, as where the process is frozen then. Left out, it is sent when its time has come.
        flush_seconds: How long that may take.

    Raises:
        SettingsError: ``flush`` or ``flush_seconds`` is of another kind.
    """

    def __init__(
        self,
        app: WSGIApp,
        actor: ActorOfEnviron | None = None,
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

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        context = copy_context()
        try:
            body = context.run(self._start, environ, start_response)
        except BaseException:
            if self._flusher is not None:
                self._flusher.flush()
            raise
        # Nothing of the application runs while a list is sent; as it is, the server can tell its length.
        if isinstance(body, (list, tuple)):
            return body if self._flusher is None else _List(body, self._flusher)
        return _Body(body, context, self._flusher)

    def _start(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        set_request(wsgi_request_attributes(environ))
        if self._actor is not None:
            set_actor(self._who(self._actor, environ))
        return self._app(environ, start_response)

    def _who(self, actor_of: ActorOfEnviron, environ: Environ) -> Actor | None:
        try:
            return checked_actor(actor_of(environ))
        except Exception as error:
            self._failures.add(error)
            return None


class _List(list[bytes]):
    """A response body in a list, after which what waits is sent."""

    def __init__(self, body: Iterable[bytes], flusher: Flusher) -> None:
        super().__init__(body)
        self._body = body
        self._flusher = flusher

    def close(self) -> None:
        """Close the application's body, if it can be, and send."""
        _close(self._body, self._flusher)


class _Body:
    """A response body whose every part is made in the context of its request."""

    def __init__(self, body: Iterable[bytes], context: Context, flusher: Flusher | None) -> None:
        self._body = body
        self._context = context
        self._flusher = flusher

    def __iter__(self) -> Iterator[bytes]:
        parts = self._context.run(iter, self._body)
        while True:
            try:
                part = self._context.run(next, parts)
            except StopIteration:
                return
            yield part

    def close(self) -> None:
        """Close the application's body, as the server has to (PEP 3333), also when the client went away, and send."""
        self._context.run(_close, self._body, self._flusher)


def _close(body: Iterable[bytes], flusher: Flusher | None) -> None:
    try:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    finally:
        if flusher is not None:
            flusher.flush()
