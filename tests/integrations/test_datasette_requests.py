"""No request to Datasette waits for a collector, and none breaks where the pipeline does."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest

from otel_events.integrations import datasette as plugin
from otel_events.listener import OTelListener
from otel_events.outcome import Outcome, Receipt
from otel_events.stamp import Stamp
from tests.backends.wait import wait_until
from tests.integrations.datasette_host import get, started, told

pytestmark = pytest.mark.usefixtures("datasette_plugins")


@pytest.fixture
def network_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the threads in which Python, from now on, connects sockets or resolves names."""
    threads: list[int] = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            threads.append(threading.get_ident())
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(socket.socket, "connect", watched(socket.socket.connect))
    monkeypatch.setattr(socket, "getaddrinfo", watched(socket.getaddrinfo))
    return threads


@pytest.mark.asyncio
async def test_a_collector_that_never_answers_is_waited_for_by_no_request(
    network_threads: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setattr(plugin, "SHUTDOWN_SECONDS", 0.5)
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # Connections are made, and nobody ever reads from them.
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        datasette = await started({"endpoint": url, "signals": "logs,traces"})
        for _ in range(20):
            assert (await get(datasette, "/-/report")).text == "made"
            assert (await get(datasette, "/-/permissions")).status_code == 403
        await asyncio.to_thread(wait_until, lambda: network_threads)
        shutdown = asyncio.ensure_future(datasette.invoke_shutdown())
        turns = 0
        while not shutdown.done():
            await asyncio.sleep(0.01)
            turns += 1
    assert threading.get_ident() not in network_threads
    assert turns >= 5  # The event loop went on while the shutdown waited.
    assert "80 of Datasette's events did not reach the collector." in told(caplog, logging.WARNING)


class RaisingPipeline:
    def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
        raise RuntimeError("the pipeline is broken")

    def flush(self, timeout: float) -> Outcome:
        raise RuntimeError("the pipeline is broken")

    def shutdown(self, timeout: float) -> Outcome:
        raise RuntimeError("the pipeline is broken")

    def stats(self) -> Mapping[str, Any]:
        return {}

    def healthy(self) -> bool:
        return False


@pytest.mark.asyncio
async def test_a_pipeline_that_raises_breaks_no_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(plugin, "make_listener", lambda settings: OTelListener(settings, RaisingPipeline()))
    datasette = await started({"endpoint": "http://127.0.0.1:1"})
    for _ in range(2):
        assert (await get(datasette, "/-/report")).text == "made"
        assert (await get(datasette, "/-/permissions")).status_code == 403
        assert (await get(datasette, "/-/auth-token?token=wrong")).status_code == 403
        assert (await get(datasette, "/-/logout", method="POST")).status_code == 302
    await datasette.invoke_shutdown()
    assert len(told(caplog, logging.ERROR)) == 1
