"""The ASGI middleware: every event of a request or WebSocket has its actor and its attributes, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

import otel_events
from otel_events import Event, EventTracker, SettingsError
from otel_events.context import as_actor
from otel_events.integrations.asgi import EventContextMiddleware, Message, Receive, Scope, Send
from otel_events.testing import CapturedEvents
from tests.direct.faulty import HttpReply, HttpServer
from tests.integrations.serving import get, patient_tracker, serve_asgi, wait_until


@dataclass
class Noted(Event):
    """Something happened in a request."""

    name = "noted"
    what: str


@pytest.fixture
def captured() -> Iterator[CapturedEvents]:
    with CapturedEvents() as captured:
        yield captured


@pytest.fixture
def tracker(captured: CapturedEvents) -> EventTracker:
    return captured.tracker([Noted])


def user_of(scope: Scope) -> str | None:
    """Read the actor as a test application would: from a header."""
    return next((value.decode() for name, value in scope["headers"] if name == b"x-user"), None)


async def slow_user_of(scope: Scope) -> Mapping[str, Any] | None:
    """Read it as from a database: after giving the event loop to others."""
    await asyncio.sleep(0)
    user = user_of(scope)
    return None if user is None else {"id": user, "name": user.title()}


def noting(tracker: EventTracker) -> Starlette:
    """Make an application that tracks events at every stage of its requests."""

    async def plain(request: Request) -> PlainTextResponse:
        await tracker.track_event(Noted("endpoint"))
        background = BackgroundTask(tracker.track, Noted("made in the endpoint"))
        return PlainTextResponse("done", background=background)

    async def stream(request: Request) -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            for part in ("1", "2"):
                await tracker.track_event(Noted(f"part {part}"))
                yield part

        return StreamingResponse(body())

    async def sync_stream(request: Request) -> StreamingResponse:
        def body() -> Iterator[str]:
            for part in ("1", "2"):
                tracker.track(Noted(f"part {part}"))
                yield part

        async def later() -> None:
            await tracker.track_event(Noted("background"))

        return StreamingResponse(body(), background=BackgroundTask(later))

    async def login(request: Request) -> PlainTextResponse:
        otel_events.set_actor("bob")
        await tracker.track_event(Noted("login"))
        return PlainTextResponse("in")

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await tracker.track_event(Noted(await websocket.receive_text()))
        except WebSocketDisconnect:
            await tracker.track_event(Noted("gone"))

    routes = [
        Route("/plain", plain),
        Route("/stream", stream),
        Route("/sync-stream", sync_stream),
        Route("/login", login),
        WebSocketRoute("/socket", echo),
    ]
    return Starlette(routes=routes)


def actors(captured: CapturedEvents) -> list[tuple[str, Any]]:
    """Give what was noted, with the actor's id."""
    return [(event.what, (as_actor(event.actor) or {}).get("id")) for event in captured.of(Noted)]


@pytest.mark.parametrize("actor", [user_of, slow_user_of])
def test_events_of_a_served_request_have_its_actor_and_attributes(
    actor: Callable[[Scope], Any], tracker: EventTracker, captured: CapturedEvents
) -> None:
    headers = {"User-Agent": "test/1", "X-Request-ID": "req-1", "X-User": "alice", "Cookie": "a=s3cret"}
    with serve_asgi(EventContextMiddleware(noting(tracker), actor=actor)) as port:
        assert get(port, "/plain?q=s3cret", headers) == (200, "done")
    assert actors(captured) == [("endpoint", "alice"), ("made in the endpoint", "alice")]
    for record in captured.records:
        attributes = record.attributes
        assert attributes["user.id"] == "alice"
        assert attributes["client.address"] == "127.0.0.1"
        assert attributes["user_agent.original"] == "test/1"
        assert attributes["http.request.method"] == "GET"
        assert attributes["url.path"] == "/plain"
        assert attributes["http.request.header.x-request-id"] == "req-1"
        assert "s3cret" not in json.dumps(attributes)


@pytest.mark.parametrize(
    ("path", "noted"),
    [("/stream", ["part 1", "part 2"]), ("/sync-stream", ["part 1", "part 2", "background"])],
)
def test_the_context_holds_while_a_body_is_streamed_and_after_it(
    path: str, noted: list[str], tracker: EventTracker, captured: CapturedEvents
) -> None:
    with serve_asgi(EventContextMiddleware(noting(tracker), actor=user_of)) as port:
        assert get(port, path, {"X-User": "alice"}) == (200, "12")
    assert actors(captured) == [(what, "alice") for what in noted]
    assert {record.attributes["url.path"] for record in captured.records} == {path}


def test_a_request_leaves_nothing_behind_for_the_next(tracker: EventTracker, captured: CapturedEvents) -> None:
    with serve_asgi(EventContextMiddleware(noting(tracker))) as port:
        for path in ("/login", "/plain"):
            assert get(port, path)[0] == 200
    assert actors(captured) == [("login", "bob"), ("endpoint", None), ("made in the endpoint", None)]
    assert [record.attributes["url.path"] for record in captured.records] == ["/login", "/plain", "/plain"]


def test_requests_at_the_same_time_have_each_their_own(tracker: EventTracker, captured: CapturedEvents) -> None:
    async def run() -> None:
        arrived: list[str] = []
        both_are_in = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            arrived.append(scope["path"])
            if len(arrived) == 2:
                both_are_in.set()
            await both_are_in.wait()
            await tracker.track_event(Noted(scope["path"]))

        middleware = EventContextMiddleware(app, actor=slow_user_of)
        scopes: list[Scope] = [
            {"type": "http", "path": f"/{who}", "headers": [(b"x-user", who.encode())]} for who in ("alice", "bob")
        ]
        await asyncio.gather(*(middleware(scope, none, nowhere) for scope in scopes))

    asyncio.run(run())
    assert sorted(actors(captured)) == [("/alice", "alice"), ("/bob", "bob")]


async def none() -> Message:
    return {"type": "http.disconnect"}


async def nowhere(message: Message) -> None:
    pass


def test_what_surrounded_the_middleware_is_there_again_afterwards(
    tracker: EventTracker, captured: CapturedEvents
) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        assert otel_events.current_actor() == {"id": "alice"}
        otel_events.set_actor("mallory")
        raise ConnectionError("gone")

    async def run() -> None:
        with otel_events.actor("outside"), otel_events.request({"url.path": "/outside"}):
            scope: Scope = {"type": "http", "path": "/in", "headers": [(b"x-user", b"alice")]}
            with pytest.raises(ConnectionError):
                await EventContextMiddleware(failing, actor=user_of)(scope, none, nowhere)
            assert otel_events.current_actor() == {"id": "outside"}
            assert otel_events.current_request() == {"url.path": "/outside"}

    asyncio.run(run())


def _raise(scope: Scope) -> None:
    raise KeyError("Bearer s3cret")


async def _raise_later(scope: Scope) -> None:
    raise KeyError("Bearer s3cret")


@pytest.mark.parametrize("actor", [_raise, _raise_later, lambda scope: 7])
def test_a_failing_actor_callable_costs_the_actor_and_not_the_request(
    actor: Callable[[Scope], Any], tracker: EventTracker, captured: CapturedEvents, caplog: pytest.LogCaptureFixture
) -> None:
    middleware = EventContextMiddleware(noting(tracker), actor=actor)
    with serve_asgi(middleware) as port:
        for _ in range(3):
            assert get(port, "/plain") == (200, "done")
    assert {actor for _, actor in actors(captured)} == {None}
    assert middleware.actor_failures == 3
    assert [record.getMessage().count("the actor callable") for record in caplog.records] == [1]
    assert "s3cret" not in caplog.text


def test_a_cancelled_actor_callable_is_no_failure() -> None:
    async def cancelled(scope: Scope) -> None:
        raise asyncio.CancelledError

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the request was cancelled before it came here")

    middleware = EventContextMiddleware(app, actor=cancelled)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(middleware({"type": "http", "headers": []}, none, nowhere))
    assert middleware.actor_failures == 0


def test_a_websocket_has_its_context_until_it_is_closed(tracker: EventTracker, captured: CapturedEvents) -> None:
    messages: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.receive", "text": "again"},
        {"type": "websocket.disconnect", "code": 1001},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    scope: Scope = {
        "type": "websocket",
        "path": "/socket",
        "raw_path": b"/socket",
        "query_string": b"token=s3cret",
        "headers": [(b"x-user", b"alice"), (b"user-agent", b"test/1")],
        "client": ("192.0.2.1", 1),
        "subprotocols": [],
    }
    asyncio.run(EventContextMiddleware(noting(tracker), actor=user_of)(scope, receive, nowhere))
    assert actors(captured) == [("hello", "alice"), ("again", "alice"), ("gone", "alice")]
    assert {
        key: captured.records[0].attributes[key] for key in ("url.path", "client.address", "user_agent.original")
    } == {
        "url.path": "/socket",
        "client.address": "192.0.2.1",
        "user_agent.original": "test/1",
    }
    assert "http.request.method" not in captured.records[0].attributes


def test_lifespan_and_what_is_unknown_pass_through(tracker: EventTracker, captured: CapturedEvents) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await tracker.track_event(Noted("up"))
        yield
        await tracker.track_event(Noted("down"))

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(EventContextMiddleware, actor=_raise)
    with serve_asgi(app):
        assert actors(captured) == [("up", None)]
    assert actors(captured) == [("up", None), ("down", None)]

    seen: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope: Scope = {"type": "a type of the future"}
    asyncio.run(EventContextMiddleware(inner, actor=_raise)(scope, none, nowhere))
    assert seen == [scope]
    assert seen[0] is scope


def test_with_flush_what_a_request_tracked_is_sent_when_the_application_is_done() -> None:
    sent_before_the_flush = []

    async def run(server: HttpServer, tracker: EventTracker) -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        async def send(message: Message) -> None:
            sent_before_the_flush.append(len(server.requests))

        turning = asyncio.ensure_future(turn())
        server.script(HttpReply(body=bytes(20), seconds_per_byte=0.01))
        scope: Scope = {"type": "http", "path": "/plain", "method": "GET", "headers": []}
        await EventContextMiddleware(noting(tracker), flush=tracker)(scope, none, send)
        turning.cancel()
        return turns

    with HttpServer() as server, patient_tracker(server, Noted) as tracker:
        turns = asyncio.run(run(server, tracker))
        assert sent_before_the_flush == [0, 0]  # the head and the body of the response
        assert len(server.requests) == 1
        assert b"made in the endpoint" in server.requests[0].body
    assert turns > 10  # the loop went on meanwhile


def test_with_flush_an_application_that_raises_is_flushed_and_what_is_no_request_is_not() -> None:
    with HttpServer() as server, patient_tracker(server, Noted) as tracker:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await tracker.track_event(Noted(scope["type"]))
            raise ConnectionError("gone")

        middleware = EventContextMiddleware(app, flush=lambda: tracker, flush_seconds=5)
        for kind, requests in (("lifespan", 0), ("websocket", 1), ("http", 2)):
            with pytest.raises(ConnectionError, match="gone"):
                asyncio.run(middleware({"type": kind, "headers": []}, none, nowhere))
            assert len(server.requests) == requests


def test_with_flush_a_served_request_is_answered_although_nothing_can_be_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with HttpServer() as server, patient_tracker(server, Noted) as tracker:
        server.default = HttpReply(503)
        app = EventContextMiddleware(noting(tracker), flush=tracker, flush_seconds=0.1)
        with serve_asgi(app) as port:
            for _ in range(3):
                assert get(port, "/plain") == (200, "done")
            wait_until(lambda: "events of EventContextMiddleware" in caplog.text, "the flush gave up")
        assert caplog.text.count("events of EventContextMiddleware") == 1


def test_flush_is_checked_when_the_application_is_made() -> None:
    with pytest.raises(SettingsError, match=r"EventContextMiddleware: True is no EventTracker"):
        EventContextMiddleware(_raise, flush=True)  # type: ignore[arg-type] # that is what it shows
