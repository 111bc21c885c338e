"""What the tests of the Datasette plugin share: another plugin with events of its own, and requests from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from datasette import Event, Response
from datasette.app import Datasette
from datasette.events import LogoutEvent
from datasette.plugins import pm

from otel_events import semconv
from otel_events.integrations import datasette as plugin
from otel_events.privacy import Attribute
from otel_events.receiver import Receiver
from otel_events.receiver.rows import StoredEvent

CLIENT = ("192.0.2.7", 4321)


@dataclass
class ReportMade(Event):  # type: ignore[misc] # Datasette has no types
    name = "report-made"
    report: str


@dataclass
class ReportFailed(Event):  # type: ignore[misc] # Datasette has no types
    name = "report-failed"
    outcome: Annotated[str, Attribute("event.outcome")] = "failure"


class ReportsPlugin:
    """Another plugin: it has events of its own, and a page that asks for another one through ``datasette.client``."""

    @plugin.hookimpl
    def register_events(self, datasette: Any) -> list[type]:
        return [ReportMade, ReportFailed]

    @plugin.hookimpl
    def register_routes(self) -> list[tuple[str, Any]]:
        return [(r"^/-/report$", report), (r"^/-/reports$", reports)]


async def report(datasette: Any, request: Any) -> Any:
    await datasette.track_event(ReportMade(actor=request.actor, report="sales"))
    await datasette.track_event(ReportFailed(actor=request.actor))
    await datasette.track_event(LogoutEvent(actor=request.actor))
    return Response.text("made")


async def reports(datasette: Any) -> Any:
    inner = await datasette.client.get("/-/report")
    return Response.text(inner.text)


def endpoint(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.http_port}"


async def started(config: object = None, **settings: Any) -> Any:
    """Return a Datasette that has started, with this under ``plugins: otel-events:``."""
    plugins = {} if config is None else {"plugins": {"otel-events": config}}
    datasette = Datasette(memory=True, config={**plugins, "settings": settings})
    await datasette.invoke_startup()
    return datasette


async def get(
    datasette: Any, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> httpx.Response:
    """Send a request from a client that is not ``datasette.client``."""
    transport = httpx.ASGITransport(app=datasette.app(), client=CLIENT)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path, headers=headers)


async def received(datasette: Any, receiver: Receiver) -> list[StoredEvent]:
    """Shut Datasette down and return what it sent, without the checkpoint at the end."""
    await datasette.invoke_shutdown()
    return [event for event in receiver.store.events() if event.name != semconv.CHECKPOINT]


def is_on(datasette: Any) -> bool:
    """Tell whether an event that is tracked now goes anywhere."""
    hooks = [impl for impl in pm.hook.shutdown.get_hookimpls() if impl.plugin is plugin]
    return any(impl.function(datasette=datasette) is not None for impl in hooks)


def told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [
        record.getMessage() for record in caplog.records if record.name == "otel_events" and record.levelno == level
    ]
