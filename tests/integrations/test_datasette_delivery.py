"""Under Datasette a durable event is safe before the request is answered, and no request breaks where it cannot be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasette.plugins import pm

from otel_events.direct.receipts import DeliveryReceipt, resolve
from otel_events.exceptions import DeliveryError
from otel_events.integrations import datasette as plugin
from otel_events.listener import OTelListener
from otel_events.outcome import Outcome
from otel_events.receiver import Receiver
from otel_events.stamp import Stamp
from tests.integrations.datasette_host import endpoint, get, started, told

pytestmark = pytest.mark.usefixtures("datasette_plugins")

NOBODY_LISTENS = "http://127.0.0.1:9"
REFUSED = "/-/permissions"


class Holding:
    """A pipeline whose receipts a test resolves."""

    def __init__(self) -> None:
        self.receipts: list[DeliveryReceipt] = []

    def accept(self, event: Any, stamp: Stamp) -> DeliveryReceipt:
        self.receipts.append(DeliveryReceipt())
        return self.receipts[-1]

    def flush(self, timeout: float) -> Outcome:
        return Outcome(0, 0, 0)

    shutdown = flush

    def stats(self) -> dict[str, int]:
        return {}

    def healthy(self) -> bool:
        return True


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> Holding:
    pipeline = Holding()
    monkeypatch.setattr(plugin, "make_listener", lambda settings: OTelListener(settings, pipeline))
    return pipeline


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "events", "status"), [("/-/report", 3, 200), (REFUSED, 1, 403)])
async def test_a_request_is_answered_when_its_events_are_safe(
    holding: Holding, path: str, events: int, status: int
) -> None:
    datasette = await started({"endpoint": NOBODY_LISTENS})
    request = asyncio.ensure_future(get(datasette, path))
    for number in range(events):
        while len(holding.receipts) <= number:
            await asyncio.sleep(0.001)
        done, _ = await asyncio.wait([request], timeout=0.05)
        assert not done
        resolve([holding.receipts[number]], "journal")
    assert (await request).status_code == status
    assert len(holding.receipts) == events


@pytest.mark.asyncio
@pytest.mark.parametrize("delivery", ["journal", "confirmed"])
async def test_with_a_journal_the_events_are_on_disk_though_the_collector_is_down(
    delivery: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "SHUTDOWN_SECONDS", 0.2)
    datasette = await started(
        {"endpoint": NOBODY_LISTENS, "delivery": delivery, "journal": str(tmp_path / "j"), "confirm_seconds": 0.05}
    )
    assert (await get(datasette, "/-/report")).text == "made"
    refused = await get(datasette, REFUSED)
    assert (refused.status_code, "Forbidden" in refused.text) == (403, True)
    listener: OTelListener = getattr(datasette, plugin._ON_INSTANCE)
    assert listener.stats()["journal.pending"] == 4
    await datasette.invoke_shutdown()
    [journal] = (tmp_path / "j").glob("*.journal")
    assert journal.stat().st_size


@pytest.mark.asyncio
async def test_confirmed_events_have_arrived_when_the_request_is_answered(receiver: Receiver, tmp_path: Path) -> None:
    datasette = await started(
        {"endpoint": endpoint(receiver), "delivery": "confirmed", "journal": str(tmp_path), "confirm_seconds": 10}
    )
    await get(datasette, "/-/report")
    assert [event.name for event in receiver.store.events()] == ["report-made", "report-failed", "logout"]
    await get(datasette, REFUSED)
    assert receiver.store.events()[-1].name == "permission-denied"
    await datasette.invoke_shutdown()


@pytest.mark.asyncio
async def test_a_journal_that_cannot_be_made_breaks_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").touch()
    datasette = await started(
        {
            "endpoint": NOBODY_LISTENS,
            "delivery": "journal",
            "on_failure": "closed",
            "journal": str(tmp_path / "a file" / "journal"),
        }
    )
    for _ in range(2):
        assert (await get(datasette, "/-/report")).text == "made"
        assert (await get(datasette, REFUSED)).status_code == 403
    [line] = told(caplog, logging.ERROR)
    assert line.startswith(
        "an event of Datasette's is not safe: the journal cannot take an event, which is not delivered"
    )
    await datasette.invoke_shutdown()
    warnings = told(caplog, logging.WARNING)
    assert "8 of Datasette's events did not reach the collector." in warnings
    assert "Datasette's events that were not as safe as asked for: DeliveryError 8." in warnings


@pytest.mark.asyncio
async def test_an_error_at_once_breaks_no_request_either(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(Holding):
        def accept(self, event: Any, stamp: Stamp) -> DeliveryReceipt:
            raise DeliveryError("no room.")

    monkeypatch.setattr(plugin, "make_listener", lambda settings: OTelListener(settings, Refusing()))
    datasette = await started({"endpoint": NOBODY_LISTENS})
    assert (await get(datasette, "/-/report")).text == "made"
    assert (await get(datasette, REFUSED)).status_code == 403
    assert told(caplog, logging.ERROR) == [
        "an event of Datasette's is not safe: no room. Said once; further ones are counted."
    ]


@pytest.mark.asyncio
async def test_in_memory_there_is_nothing_to_wait_for(receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver)})
    event = plugin.LoginFailed(actor=None)
    assert plugin.track_event(datasette, event) is None
    await datasette.invoke_shutdown()


class Raising:
    """Another plugin, whose hook raises."""

    @plugin.hookimpl
    def track_event(self, event: Any) -> None:
        raise RuntimeError("broken")


@pytest.fixture
def raising_plugin() -> Iterator[None]:
    pm.register(other := Raising())
    yield
    pm.unregister(other)


@pytest.mark.asyncio
@pytest.mark.usefixtures("raising_plugin")
async def test_nothing_is_left_unawaited_where_another_plugin_raises(holding: Holding) -> None:
    """A coroutine that nobody awaits would be a warning, which is an error here."""
    datasette = await started({"endpoint": NOBODY_LISTENS})
    assert (await get(datasette, "/-/report")).status_code == 500
    assert len(holding.receipts) == 1
