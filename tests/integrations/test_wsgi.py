"""The WSGI middleware: every event of a request has its actor and attributes until its body is sent, and no thread keeps them."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

import otel_events
from otel_events import Event, EventTracker
from otel_events.context import as_actor
from otel_events.integrations.wsgi import Environ, EventContextMiddleware, StartResponse, WSGIApp
from otel_events.testing import CapturedEvents
from tests.direct.faulty import HttpReply, HttpServer
from tests.integrations.serving import get, patient_tracker, serve_wsgi, wait_until


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


def user_of(environ: Environ) -> str | None:
    """Read the actor as a test application would: from a header."""
    return environ.get("HTTP_X_USER")


class Parts:
    """A body that tracks an event at each of its stages."""

    def __init__(self, tracker: EventTracker, count: float = 2) -> None:
        self._tracker = tracker
        self._count = count

    def __iter__(self) -> Iterator[bytes]:
        self._tracker.track(Noted("iter"))
        return self._parts()

    def _parts(self) -> Iterator[bytes]:
        number = 0
        while number < self._count:
            number += 1
            self._tracker.track(Noted(f"part {number}"))
            yield b"%d" % number

    def close(self) -> None:
        self._tracker.track(Noted("close"))


def answering(tracker: EventTracker, body: Callable[[], Iterable[bytes]]) -> WSGIApp:
    """Make an application that tracks an event and answers with a body."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        tracker.track(Noted("called"))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body()

    return app


def actors(captured: CapturedEvents) -> list[tuple[str, Any]]:
    """Give what was noted, with the actor's id."""
    return [(event.what, (as_actor(event.actor) or {}).get("id")) for event in captured.of(Noted)]


def call(app: Any, environ: Environ | None = None) -> Any:
    """Call a WSGI application as a server does and give its body, not yet iterated."""
    environ = {} if environ is None else environ
    setup_testing_defaults(environ)
    return app(environ, lambda status, headers, exc_info=None: bytearray().extend)


def test_events_of_a_served_request_have_its_actor_and_attributes(
    tracker: EventTracker, captured: CapturedEvents
) -> None:
    app = validator(EventContextMiddleware(validator(answering(tracker, lambda: Parts(tracker))), actor=user_of))
    headers = {"User-Agent": "test/1", "X-Request-ID": "req-1", "X-User": "alice", "Cookie": "a=s3cret"}
    with serve_wsgi(app) as port:
        assert get(port, "/orders/%C3%A4?q=s3cret", headers) == (200, "12")
        wait_until(lambda: actors(captured)[-1:] == [("close", "alice")], "the body was closed")
    assert actors(captured) == [(what, "alice") for what in ("called", "iter", "part 1", "part 2", "close")]
    for record in captured.records:
        attributes = record.attributes
        assert attributes["user.id"] == "alice"
        assert attributes["client.address"] == "127.0.0.1"
        assert attributes["user_agent.original"] == "test/1"
        assert attributes["http.request.method"] == "GET"
        assert attributes["url.path"] == "/orders/%C3%A4"
        assert attributes["http.request.header.x-request-id"] == "req-1"
        assert "s3cret" not in json.dumps(attributes)


def test_a_generator_that_sets_the_actor_for_itself_keeps_it_between_its_parts(
    tracker: EventTracker, captured: CapturedEvents
) -> None:
    def body() -> Iterator[bytes]:
        with otel_events.actor("bob"):
            tracker.track(Noted("inside"))
            yield b"1"
            tracker.track(Noted("still inside"))
            yield b"2"
        tracker.track(Noted("outside"))

    parts = iter(call(EventContextMiddleware(answering(tracker, body), actor=lambda environ: "alice")))
    with otel_events.actor("the server"):
        seen = []
        for part in parts:
            seen.append(part)
            assert otel_events.current_actor() == {"id": "the server"}
            assert otel_events.current_request() == {}
    assert seen == [b"1", b"2"]
    assert actors(captured) == [("called", "alice"), ("inside", "bob"), ("still inside", "bob"), ("outside", "alice")]


def test_a_body_that_is_closed_early_is_closed_in_its_context(tracker: EventTracker, captured: CapturedEvents) -> None:
    ended = []

    def body() -> Iterator[bytes]:
        try:
            with otel_events.actor("bob"):
                while True:
                    yield b"x"
        finally:
            tracker.track(Noted("ended"))
            ended.append(otel_events.current_request()["url.path"])

    answer = call(
        EventContextMiddleware(answering(tracker, body), actor=lambda environ: "alice"), {"PATH_INFO": "/endless"}
    )
    assert next(iter(answer)) == b"x"
    thread = threading.Thread(target=answer.close)  # A server may close from another thread than it iterates in.
    thread.start()
    thread.join()
    assert ended == ["/endless"]
    assert actors(captured) == [("called", "alice"), ("ended", "alice")]


def test_a_client_that_goes_away_ends_an_endless_body_in_its_context(
    tracker: EventTracker, captured: CapturedEvents
) -> None:
    app = EventContextMiddleware(answering(tracker, lambda: Parts(tracker, float("inf"))), actor=user_of)
    with serve_wsgi(app) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.0\r\nX-User: alice\r\n\r\n")
            client.recv(1000)
        wait_until(lambda: actors(captured)[-1:] == [("close", "alice")], "the body was closed")
    assert {actor for _, actor in actors(captured)} == {"alice"}
    assert not otel_events.current_request()


def test_a_body_without_close_and_the_write_callable_work(tracker: EventTracker, captured: CapturedEvents) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"1")
        return map(bytes, [b"2", b"3"])

    answer = call(EventContextMiddleware(app))
    assert list(answer) == [b"2", b"3"]
    answer.close()


def test_a_list_is_handed_on_as_it_is_so_that_the_server_can_tell_its_length(tracker: EventTracker) -> None:
    body = [b"done"]
    assert call(EventContextMiddleware(answering(tracker, lambda: body))) is body


def test_a_request_leaves_nothing_behind_in_its_thread(tracker: EventTracker, captured: CapturedEvents) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        tracker.track(Noted("before"))
        otel_events.set_actor(environ["HTTP_X_USER"])
        tracker.track(Noted("after"))
        if environ["HTTP_X_USER"] == "mallory":
            raise ConnectionError("gone")
        return [b""]

    middleware = EventContextMiddleware(app)
    call(middleware, {"HTTP_X_USER": "alice"})
    with pytest.raises(ConnectionError):
        call(middleware, {"HTTP_X_USER": "mallory"})
    call(middleware, {"HTTP_X_USER": "bob"})
    assert [actor for _, actor in actors(captured)] == [None, "alice", None, "mallory", None, "bob"]
    assert otel_events.current_actor() is None
    assert otel_events.current_request() == {}


def test_what_surrounds_the_middleware_holds_where_it_says_nothing_else(
    tracker: EventTracker, captured: CapturedEvents
) -> None:
    with otel_events.actor("outside"):
        call(EventContextMiddleware(answering(tracker, list)))
        call(EventContextMiddleware(answering(tracker, list), actor=lambda environ: None))
    assert [actor for _, actor in actors(captured)] == ["outside", None]


def _raise(environ: Environ) -> None:
    raise KeyError("Bearer s3cret")


@pytest.mark.parametrize("actor", [_raise, lambda environ: 7])
def test_a_failing_actor_callable_costs_the_actor_and_not_the_request(
    actor: Any, tracker: EventTracker, captured: CapturedEvents, caplog: pytest.LogCaptureFixture
) -> None:
    middleware = EventContextMiddleware(answering(tracker, lambda: [b"done"]), actor=actor)
    with serve_wsgi(middleware) as port:
        for _ in range(3):
            assert get(port, "/") == (200, "done")
    assert actors(captured) == [("called", None)] * 3
    assert middleware.actor_failures == 3
    assert [record.getMessage().count("the actor callable") for record in caplog.records] == [1]
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_with_flush_what_a_request_tracked_is_sent_when_its_body_is_closed(
    kind: Callable[[list[bytes]], Iterable[bytes]],
) -> None:
    with HttpServer() as server, patient_tracker(server, Noted) as tracker:
        app = answering(tracker, lambda: kind([b"1", b"2"]))
        answer = call(EventContextMiddleware(app, flush=tracker))
        assert list(answer) == [b"1", b"2"]
        assert not server.requests
        answer.close()
        assert [b"called" in request.body for request in server.requests] == [True]


@pytest.mark.parametrize("kind", ["list", "parts"])
def test_with_flush_a_served_request_is_as_without(kind: str) -> None:
    with HttpServer() as server, patient_tracker(server, Noted) as tracker:
        app = validator(answering(tracker, lambda: [b"12"] if kind == "list" else Parts(tracker)))
        with serve_wsgi(validator(EventContextMiddleware(app, flush=tracker))) as port:
            assert get(port, "/") == (200, "12")
        wait_until(lambda: len(server.requests) == 1, "the events were sent")
        assert (b"close" in server.requests[0].body) == (kind == "parts")


def test_with_flush_the_server_can_still_tell_the_length_of_a_list() -> None:
    with HttpServer() as server, patient_tracker(server, Noted) as tracker:
        app = EventContextMiddleware(answering(tracker, lambda: [b"done"]), flush=tracker)
        with serve_wsgi(app) as port, closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)) as client:
            client.request("GET", "/")
            assert client.getresponse().getheader("content-length") == "4"


def test_with_flush_what_raises_is_flushed() -> None:
    with HttpServer() as server, patient_tracker(server, Noted) as tracker:

        class Unclosable(list[bytes]):
            def close(self) -> None:
                tracker.track(Noted("closing"))
                raise ConnectionError("close")

        def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            tracker.track(Noted("called"))
            raise ConnectionError("app")

        with pytest.raises(ConnectionError, match="app"):
            call(EventContextMiddleware(app, flush=lambda: tracker))
        assert len(server.requests) == 1
        answer = call(EventContextMiddleware(answering(tracker, Unclosable), flush=tracker))
        with pytest.raises(ConnectionError, match="close"):
            answer.close()
        assert b"closing" in server.requests[1].body


def test_with_flush_a_request_is_answered_although_nothing_can_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    with HttpServer() as server, patient_tracker(server, Noted) as tracker:
        server.default = HttpReply(503)
        app = EventContextMiddleware(answering(tracker, lambda: [b"done"]), flush=tracker, flush_seconds=0.1)
        with serve_wsgi(app) as port:
            for _ in range(3):
                assert get(port, "/") == (200, "done")
            wait_until(lambda: "events of EventContextMiddleware" in caplog.text, "the flush gave up")
        assert caplog.text.count("events of EventContextMiddleware") == 1
