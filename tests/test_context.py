"""The actor and the request of the context, through `with`, tasks, threads, pools and FastAPI, as the page "Contexts" says."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

import otel_events
from otel_events import Event, current_actor, current_request, set_actor
from otel_events.context import set_request
from otel_events.integrations.asgi import EventContextMiddleware
from otel_events.testing import CapturedEvents
from tests.integrations.serving import get, serve_asgi, wait_until

ALICE = {"id": "alice"}
BOB = {"id": "bob"}
THREADS_INHERIT = bool(getattr(sys.flags, "thread_inherit_context", 0))
"""Python 3.14 and later can be told so, and is where it has no global lock."""


@dataclass
class Noted(Event):
    """Something happened."""

    name = "noted"
    what: str = ""


# -- one place ---------------------------------------------------------------------------------------------------------


def test_a_with_block_sets_the_actor_and_gives_the_former_one_back() -> None:
    assert current_actor() is None
    with otel_events.actor("alice"):
        assert current_actor() == ALICE
        with otel_events.actor({"id": "bob", "name": "Bob"}):
            assert current_actor() == {"id": "bob", "name": "Bob"}
        with otel_events.actor(None):
            assert current_actor() is None
        with pytest.raises(KeyError), otel_events.actor("bob"):
            raise KeyError
        assert current_actor() == ALICE
    assert current_actor() is None


def test_actor_and_request_do_not_disturb_each_other() -> None:
    with otel_events.actor("alice"), otel_events.request({"url.path": "/a"}):
        with otel_events.actor("bob"):
            assert current_request() == {"url.path": "/a"}
        with otel_events.request({"url.path": "/b"}):
            assert current_actor() == ALICE
            assert current_request() == {"url.path": "/b"}
        assert current_request() == {"url.path": "/a"}
    assert current_request() == {}


def test_what_is_set_without_a_block_holds_to_the_end_of_the_context() -> None:
    def run() -> tuple[Any, Any]:
        set_actor("alice")
        set_request({"url.path": "/a"})
        set_actor("bob")
        return current_actor(), current_request()

    assert contextvars.copy_context().run(run) == (BOB, {"url.path": "/a"})
    assert (current_actor(), current_request()) == (None, {})


def test_an_event_has_the_actor_of_where_it_is_made_and_the_request_of_where_it_is_tracked() -> None:
    with CapturedEvents() as captured:
        tracker = captured.tracker([Noted])
        with otel_events.actor("alice"), otel_events.request({"url.path": "/made"}):
            event = Noted()
        with otel_events.actor("bob"), otel_events.request({"url.path": "/tracked"}):
            tracker.track(event)
            tracker.track(Noted(actor="carol"))
            tracker.track(Noted(actor=None))
    assert [record.attributes.get("user.id") for record in captured.records] == ["alice", "carol", None]
    assert {record.attributes["url.path"] for record in captured.records} == {"/tracked"}


# -- asyncio -----------------------------------------------------------------------------------------------------------


async def _as(who: str, barrier: Callable[[], Awaitable[None]]) -> tuple[Any, Any]:
    """Set the actor, let the others do the same, and look again."""
    before = current_actor()
    set_actor(who)
    await barrier()
    return before, current_actor()


def _barrier(count: int) -> Callable[[], Awaitable[None]]:
    """Give what waits until so many wait."""
    arrived, all_are_in = [0], asyncio.Event()

    async def wait() -> None:
        arrived[0] += 1
        if arrived[0] == count:
            all_are_in.set()
        await all_are_in.wait()

    return wait


_SEEN = [(ALICE, BOB), (ALICE, {"id": "carol"})]


def test_tasks_that_are_gathered_begin_with_the_actor_and_keep_their_own_to_themselves() -> None:
    async def run() -> None:
        with otel_events.actor("alice"):
            barrier = _barrier(2)
            assert list(await asyncio.gather(_as("bob", barrier), _as("carol", barrier))) == _SEEN
            assert current_actor() == ALICE

    asyncio.run(run())
    assert current_actor() is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup came with Python 3.11")
def test_tasks_of_a_group_begin_with_the_actor_and_keep_their_own_to_themselves() -> None:
    async def run() -> None:
        with otel_events.actor("alice"):
            barrier = _barrier(2)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_as(who, barrier)) for who in ("bob", "carol")]
            assert [task.result() for task in tasks] == _SEEN
            assert current_actor() == ALICE

    asyncio.run(run())


def test_a_task_has_the_actor_of_when_it_was_made_also_after_the_block_has_ended() -> None:
    async def run() -> None:
        left = asyncio.Event()

        async def later() -> Any:
            await left.wait()
            return current_actor()

        with otel_events.actor("alice"):
            task = asyncio.create_task(later())
        left.set()
        assert current_actor() is None
        assert await task == ALICE

    asyncio.run(run())


def test_a_coroutine_that_is_awaited_shares_the_context_of_its_caller() -> None:
    async def sign_in() -> None:
        set_actor("alice")

    async def run() -> None:
        await sign_in()
        assert current_actor() == ALICE
        await asyncio.create_task(_as("bob", _barrier(1)))
        assert current_actor() == ALICE

    asyncio.run(run())


def test_to_thread_takes_the_actor_along_and_run_in_executor_does_not() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        with otel_events.actor("alice"):
            assert await asyncio.to_thread(current_actor) == ALICE
            with ThreadPoolExecutor(1) as pool:
                expected = ALICE if THREADS_INHERIT else None
                assert await loop.run_in_executor(pool, current_actor) == expected
                assert await loop.run_in_executor(pool, contextvars.copy_context().run, current_actor) == ALICE

    asyncio.run(run())


# -- threads -----------------------------------------------------------------------------------------------------------


def _in_thread(function: Callable[[], Any]) -> Any:
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(function()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_has_the_actor_only_where_the_context_is_copied() -> None:
    with otel_events.actor("alice"):
        assert _in_thread(current_actor) == (ALICE if THREADS_INHERIT else None)
        context = contextvars.copy_context()
        assert _in_thread(lambda: context.run(current_actor)) == ALICE


def test_what_a_thread_sets_stays_there() -> None:
    context = contextvars.copy_context()
    _in_thread(lambda: context.run(set_actor, "bob"))
    _in_thread(lambda: set_actor("carol"))
    assert current_actor() is None
    assert context.run(current_actor) == BOB


class ContextThreadPool(ThreadPoolExecutor):
    """The pool of the docs page: each job runs in a copy of the context in which it was submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(contextvars.copy_context().run, fn, *args, **kwargs)


def test_a_pool_that_copies_the_context_gives_each_job_its_submitters_actor() -> None:
    both_are_in = threading.Barrier(2, timeout=10)

    def job() -> Any:
        both_are_in.wait()
        before = current_actor()
        set_actor("mallory")
        return before

    with ContextThreadPool(2) as pool:
        for _ in range(2):  # The second time in threads that were used before.
            futures = []
            for who in ("alice", "bob"):
                with otel_events.actor(who):
                    futures.append(pool.submit(job))
            assert [future.result() for future in futures] == [ALICE, BOB]
        with otel_events.actor("alice"):
            assert list(pool.map(lambda _: current_actor(), range(3))) == [ALICE] * 3


def test_a_plain_pool_keeps_what_a_job_left_behind() -> None:
    """Why a pool needs the context of its jobs: without it one job's actor is the next one's."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(set_actor, "mallory").result()
        assert pool.submit(current_actor).result() == {"id": "mallory"}


# -- FastAPI -----------------------------------------------------------------------------------------------------------


def _user_of(scope: Any) -> str | None:
    return next((value.decode() for name, value in scope["headers"] if name == b"x-user"), None)


async def _set_async() -> None:
    set_actor("bob")


def _set_sync() -> None:
    set_actor("bob")


async def _around_async() -> AsyncIterator[None]:
    with otel_events.actor("bob"):
        yield


def _around_sync() -> Iterator[None]:
    with otel_events.actor("bob"):
        yield


def _application(captured: CapturedEvents) -> FastAPI:
    """Make an application that tracks who acts, in every kind of endpoint, below every kind of dependency."""
    app = FastAPI()
    tracker = captured.tracker([Noted])

    async def asynchronous() -> None:
        await tracker.track_event(Noted("async"))

    def synchronous() -> None:
        tracker.track(Noted("sync"))

    for name, dependency in {
        "plain": None,
        "set-async": _set_async,
        "set-sync": _set_sync,
        "around-async": _around_async,
        "around-sync": _around_sync,
    }.items():
        dependencies = [] if dependency is None else [Depends(dependency)]
        app.get(f"/{name}/async", dependencies=dependencies)(asynchronous)
        app.get(f"/{name}/sync", dependencies=dependencies)(synchronous)

    async def later() -> None:
        await tracker.track_event(Noted("background, async"))

    @app.get("/background")
    def background(tasks: BackgroundTasks) -> None:
        tasks.add_task(later)
        tasks.add_task(tracker.track, Noted("made before"))
        tasks.add_task(lambda: tracker.track(Noted("background, sync")))

    @app.get("/stream")
    def stream() -> StreamingResponse:
        def body() -> Iterator[str]:
            tracker.track(Noted("streaming"))
            yield "done"

        return StreamingResponse(body())

    return app


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, CapturedEvents]]:
    """Serve that application behind the middleware, with a `@app.middleware` beneath it for paths under `/below`."""
    with CapturedEvents() as captured:
        app = _application(captured)

        @app.middleware("http")
        async def below(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
            if request.headers.get("x-below") is None:
                return await call_next(request)
            with otel_events.actor(request.headers["x-below"]):
                response = await call_next(request)
                assert current_actor() == {"id": request.headers["x-below"]}
                return response

        app.add_middleware(EventContextMiddleware, actor=_user_of)
        with serve_asgi(app) as port:
            yield port, captured


def _actors(
    served: tuple[int, CapturedEvents], path: str, headers: dict[str, str] | None = None, *, count: int = 1
) -> list[Any]:
    """Call a path as alice and give the actors of its events, of which there are so many."""
    port, captured = served
    captured.clear()
    status, _ = get(port, path, {"X-User": "alice", **(headers or {})})
    assert status == 200
    wait_until(lambda: len(captured) >= count, f"{count} events were tracked")
    assert {record.attributes["url.path"] for record in captured.records} == {path}
    return [event.actor["id"] for event in captured]


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize(
    ("dependency", "actor"),
    [
        ("plain", "alice"),
        ("set-async", "bob"),
        ("around-async", "bob"),
        ("set-sync", "alice"),  # FastAPI runs it in a thread, in a copy of the context that ends with it.
    ],
)
def test_endpoints_have_the_actor_of_the_middleware_or_of_an_async_dependency(
    served: tuple[int, CapturedEvents], dependency: str, kind: str, actor: str
) -> None:
    assert _actors(served, f"/{dependency}/{kind}") == [actor]
    assert _actors(served, f"/plain/{kind}") == ["alice"]


def test_a_sync_dependency_cannot_hold_a_block_open_around_the_endpoint(
    served: tuple[int, CapturedEvents], caplog: pytest.LogCaptureFixture
) -> None:
    port, captured = served
    captured.clear()
    get(port, "/around-sync/async", {"X-User": "alice"})
    assert [event.actor["id"] for event in captured] == ["alice"]
    wait_until(lambda: "was created in a different Context" in caplog.text, "leaving the block failed")


def test_background_tasks_and_streamed_bodies_have_the_actor_of_their_request(
    served: tuple[int, CapturedEvents],
) -> None:
    assert _actors(served, "/background", count=3) == ["alice"] * 3
    assert _actors(served, "/stream") == ["alice"]


@pytest.mark.parametrize(
    ("path", "count"), [("/plain/async", 1), ("/plain/sync", 1), ("/background", 3), ("/stream", 1)]
)
def test_a_middleware_of_the_application_can_set_the_actor_around_what_is_below_it(
    served: tuple[int, CapturedEvents], path: str, count: int
) -> None:
    assert _actors(served, path, {"X-Below": "carol"}, count=count) == ["carol"] * count


def test_such_a_middleware_does_not_see_what_is_set_below_it(served: tuple[int, CapturedEvents]) -> None:
    assert _actors(served, "/set-async/async", {"X-Below": "carol"}) == ["bob"]
