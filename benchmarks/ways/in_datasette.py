"""Plugins of Datasette: a Datasette tracks an event of a plugin's, and one other plugin stores it or sends it on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.ways.way import Opening

FLUSH_SECONDS = 120.0
BATCH_ROWS = 100
"""What a receiving Datasette takes in one request, by the default of its setting ``max_insert_rows``."""


class DatasetteSender:
    """A Datasette with one of the plugins, in this process.

    Args:
        datasette: The instance.
        event_type: The class of the events that are tracked.
        flush: Waits until the plugin has no event left to store or to send.
    """

    def __init__(self, datasette: Any, event_type: type, flush: Callable[[], Awaitable[None]]) -> None:
        self._datasette = datasette
        self._event_type = event_type
        self.call = datasette.track_event
        self.flush = flush

    def prepare(self, number: int) -> Any:
        """Make the event."""
        return self._event_type(
            actor={"id": "alice"},
            order_id=f"o-{number}",
            customer="c-17",
            country="NL",
            total=9.99,
            items=number % 7,
            express=True,
        )

    async def send(self, number: int) -> None:
        """Make the event of this number and track it."""
        await self.call(self.prepare(number))

    async def close(self) -> None:
        """Flush and end."""
        await self.flush()
        await self._datasette.invoke_shutdown()


async def otel_events(opening: Opening) -> DatasetteSender:
    """Open a Datasette with this project's plugin, on the direct pipeline."""
    config = {"endpoint": opening.endpoint, "service_name": opening.service, "pipeline": "direct"}
    datasette, event_type = await _datasette(opening, "otel-events", config)

    async def flush() -> None:
        # Datasette has no call for it: the plugin flushes when the server ends.
        datasette._otel_events_listener.flush(FLUSH_SECONDS)

    return DatasetteSender(datasette, event_type, flush)


async def events_db(opening: Opening) -> DatasetteSender:
    """Open a Datasette with datasette-events-db. What it stores is stored when ``track_event`` returns."""
    datasette, event_type = await _datasette(opening, "datasette-events-db", {})

    async def flush() -> None:
        pass

    return DatasetteSender(datasette, event_type, flush)


async def events_forward(opening: Opening) -> DatasetteSender:
    """Open a Datasette with datasette-events-forward, without its limit of one request in ten seconds."""
    config = {
        "api_url": f"{opening.endpoint}/data/datasette_events/-/insert",
        "api_token": opening.token,
        "instance": opening.service,
        "max_rate": 1_000_000,
        "time_period": 1,
        "batch_limit": BATCH_ROWS,
    }
    datasette, event_type = await _datasette(opening, "datasette-events-forward", config)
    tasks = datasette._datasette_events_forward_state["tasks"]

    async def flush() -> None:
        while tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    return DatasetteSender(datasette, event_type, flush)


async def _datasette(opening: Opening, plugin: str, config: dict[str, Any]) -> tuple[Any, type]:
    """Return a Datasette in which only this plugin is loaded, and the class of the events that it tracks."""
    os.environ["DATASETTE_LOAD_PLUGINS"] = plugin
    from datasette import Event, hookimpl
    from datasette.app import Datasette
    from datasette.plugins import pm

    @dataclass
    class OrderPlaced(Event):  # type: ignore[misc] # Datasette has no types
        name = "order-placed"
        namespace = "shop"
        order_id: str
        customer: str
        country: str
        total: float
        items: int
        express: bool
        voucher: str | None = None

    class Shop:
        @hookimpl  # type: ignore[untyped-decorator] # likewise
        def register_events(self, datasette: Any) -> list[type]:
            return [OrderPlaced]

    pm.register(Shop(), "shop")
    datasette = Datasette(
        internal=str(opening.folder / "internal.db"),
        config={"plugins": {plugin: config}},
        settings={"sql_time_limit_ms": 10_000},  # its queries fail on a busy machine with the default
    )
    await datasette.invoke_startup()
    return datasette, OrderPlaced
