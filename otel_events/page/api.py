"""The page's JSON API, its files and its live stream as an ASGI application; ``docs/view.md`` documents it."""

from __future__ import annotations

import asyncio
import contextvars
import mimetypes
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from otel_events.page.database import TooSlowError, nobody_waits
from otel_events.page.download import FORMATS, PAGE_SIZE
from otel_events.page.listing import Cursor
from otel_events.page.live import Live
from otel_events.page.parameters import MAX_BARS, MAX_LIMIT, Asked, ParameterError, integer, keys, number
from otel_events.page.questions import Questions
from otel_events.page.search import SearchError

T = TypeVar("T")

STATIC: Final = Path(__file__).parent / "static"

_MAX_ID: Final = 2**63 - 1


class Api:
    """The endpoints. Questions run in worker threads; the event loop only reads requests and writes answers."""

    def __init__(
        self,
        questions: Questions,
        live: Live,
        *,
        executor: ThreadPoolExecutor,
        live_executor: ThreadPoolExecutor,
        status: Mapping[str, str | None],
    ) -> None:
        """Make the endpoints.

        Args:
            questions: Answers them.
            live: Wakes the live streams.
            executor: Where questions run.
            live_executor: Where those of the live streams run, which do not wait for any other.
            status: What ``/api/status`` says beside what is in the database.
        """
        self._questions = questions
        self._live = live
        self._executor = executor
        self._live_executor = live_executor
        self._status = status

    def app(self) -> Starlette:
        """Give the application."""
        routes = {
            "/api/status": self.status,
            "/api/events": self.events,
            "/api/histogram": self.histogram,
            "/api/facets": self.facets,
            "/api/events/{id:int}": self.event,
            "/api/events/{id:int}/around": self.around,
            "/api/traces/{trace_id}": self.trace,
            "/api/actors": self.actor,
            "/api/catalog": self.catalog,
            "/api/live": self.live,
            "/api/download": self.download,
            "/": self.file,
            "/static/{name:path}": self.file,
        }
        app = Starlette(
            routes=[Route(path, endpoint, methods=["GET"]) for path, endpoint in routes.items()],
            exception_handlers={
                HTTPException: _error,
                SearchError: _error,
                ParameterError: _error,
                TooSlowError: _error,
                sqlite3.Error: _error,
            },
        )
        app.router.redirect_slashes = False
        return app

    async def status(self, request: Request) -> Response:
        """Say what there is, and where to send events."""
        return JSONResponse({**self._status, **await self._asked(request, self._questions.status)})

    async def events(self, request: Request) -> Response:
        """Give a page of events."""
        parameters = request.query_params
        before = parameters.get("before")
        try:
            cursor = Cursor.parse(before) if before else None
        except ValueError as error:
            raise ParameterError(str(error)) from error
        limit = number(parameters, "limit", 100, most=MAX_LIMIT)
        return JSONResponse(await self._asked(request, self._questions.events, Asked.of(parameters), limit, cursor))

    async def histogram(self, request: Request) -> Response:
        """Count by time and name."""
        bars = number(request.query_params, "buckets", 60, most=MAX_BARS)
        return JSONResponse(await self._asked(request, self._questions.histogram, Asked.of(request.query_params), bars))

    async def facets(self, request: Request) -> Response:
        """Count by values."""
        parameters = request.query_params
        limit = number(parameters, "limit", 10, most=MAX_LIMIT)
        asked = Asked.of(parameters)
        return JSONResponse(
            await self._asked(request, self._questions.facets, asked, keys(parameters, "key", least=1), limit)
        )

    async def event(self, request: Request) -> Response:
        """Give one event in full."""
        return _found(await self._asked(request, self._questions.event, _id(request)), "event")

    async def around(self, request: Request) -> Response:
        """Give what the same actor did before and after."""
        limit = number(request.query_params, "limit", 10, most=MAX_LIMIT)
        return _found(await self._asked(request, self._questions.around, _id(request), limit), "event")

    async def trace(self, request: Request) -> Response:
        """Give the spans and events of a trace."""
        return JSONResponse(await self._asked(request, self._questions.trace, request.path_params["trace_id"].lower()))

    async def actor(self, request: Request) -> Response:
        """Give what an actor did."""
        actor = request.query_params.get("actor")
        if not actor:
            raise ParameterError("actor= is missing; give the id of an actor.")
        return JSONResponse(await self._asked(request, self._questions.actor, actor, Asked.of(request.query_params)))

    async def catalog(self, request: Request) -> Response:
        """Give the types of events."""
        return JSONResponse(await self._asked(request, self._questions.catalog))

    async def live(self, request: Request) -> Response:
        """Send new events as they come."""
        if self._live.is_full:
            raise HTTPException(503, "Too many pages look on already; close one, or ask again later.")
        asked = Asked.of(request.query_params)
        known = request.headers.get("last-event-id", "")
        after = int(known) if known.isascii() and known.isdigit() and len(known) < 19 else None
        if after is None:
            after = integer(request.query_params, "after", None)
        # Asked for before the stream begins, so that a wrong search gets the answer of one.
        newest_id = await self._asked(request, self._questions.newest_id, asked)

        async def look_up(after_id: int) -> dict[str, Any] | None:
            try:
                return await _run(self._live_executor, partial(self._questions.live, asked, after_id))
            except (SearchError, TooSlowError, sqlite3.Error):
                return None

        stream = self._live.stream(look_up, newest_id if after is None else min(after, newest_id))
        return StreamingResponse(stream, media_type="text/event-stream")

    async def download(self, request: Request) -> Response:
        """Give the events as a file."""
        parameters = request.query_params
        name = parameters.get("format", "csv")
        if name not in FORMATS:
            raise ParameterError(f"format={name[:50]!r} is not known here; give one of {', '.join(FORMATS)}.")
        file_format, columns, asked = FORMATS[name], keys(parameters, "columns", least=0), Asked.of(parameters)
        first = await self._asked(request, self._questions.rows, asked, PAGE_SIZE, None)

        async def pages() -> AsyncIterator[str]:
            yield file_format.head(columns)
            rows, following = first
            while True:
                yield await _run(self._executor, partial(file_format.page, rows, columns))
                if following is None:
                    return
                rows, following = await self._asked(request, self._questions.rows, asked, PAGE_SIZE, following)

        moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        disposition = f'attachment; filename="events-{moment}.{file_format.suffix}"'
        return StreamingResponse(
            pages(), media_type=file_format.media_type, headers={"Content-Disposition": disposition}
        )

    async def file(self, request: Request) -> Response:
        """Give the page itself and its parts."""
        name = request.path_params.get("name", "index.html")
        path = (STATIC / name).resolve()
        if not path.is_relative_to(STATIC.resolve()) or not path.is_file():
            raise HTTPException(404)
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        content = await _run(self._executor, path.read_bytes)
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    async def _asked(self, request: Request, question: Callable[..., T], *arguments: Any) -> T:
        """Answer a question, or give it up when whoever asked is gone, as a page that is searched letter by letter often is."""
        gone = threading.Event()
        watching = asyncio.ensure_future(_set_when_gone(request, gone))
        nobody_waits.set(gone)
        try:
            return await _run(self._executor, partial(contextvars.copy_context().run, question, *arguments))
        finally:
            watching.cancel()


async def _run(executor: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, function)


async def _set_when_gone(request: Request, gone: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()


def _id(request: Request) -> int:
    return min(int(request.path_params["id"]), _MAX_ID)


def _found(answer: dict[str, Any] | None, what: str) -> Response:
    if answer is None:
        raise HTTPException(404, f"There is no {what} with this id; it may have been removed for its age.")
    return JSONResponse(answer)


async def _error(request: Request, error: Exception) -> Response:
    # Not a plain function: Starlette would run that in a thread pool of its own.
    if isinstance(error, SearchError):
        return JSONResponse({"error": str(error), "from": error.start, "to": error.end}, 400)
    if isinstance(error, ParameterError):
        return JSONResponse({"error": str(error)}, 400)
    if isinstance(error, TooSlowError):
        return JSONResponse({"error": str(error)}, 503)
    if isinstance(error, sqlite3.Error):
        return JSONResponse({"error": f"The database cannot be read now: {error}"}, 503)
    assert isinstance(error, HTTPException)  # noqa: S101 # these are all that it is registered for
    message = error.detail
    if error.status_code == 404 and message == "Not Found":
        message = f"{request.url.path} is not served here."
    return JSONResponse({"error": message}, error.status_code, error.headers)
