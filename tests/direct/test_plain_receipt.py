"""A receipt notes what has its event, asks for an alarm where a task waits, and resumes that, compiled or not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from otel_events.direct import plain_receipt
from otel_events.direct.alarm import Alarm
from otel_events.exceptions import DeliveryError

KINDS: list[Any] = [plain_receipt]
try:
    from otel_events.direct import receipt as compiled
except ImportError:
    pass
else:
    KINDS.append(compiled)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__.rpartition(".")[2])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def receipt_of(kind: Any, **terms: Any) -> Any:
    """Return a receipt whose time is up after a moment, and which then says so."""

    class Own(kind.Receipt):  # type: ignore[misc] # a class of one module or the other
        def _alarm(self, loop: asyncio.AbstractEventLoop) -> Alarm:
            return Alarm(loop, 0.02)

        def _time_is_up(self, waiting: Any) -> None:
            kind.wake(waiting)
            kind.wake(waiting)

        def _result(self) -> str:
            if self.error is not None:
                raise self.error
            return self.where or "time is up"

    return Own(**terms)


async def wait(receipt: Any) -> Any:
    return await receipt


def test_terms_are_kept_and_nothing_is_known_at_first(kind: Any) -> None:
    receipt = receipt_of(kind)
    assert (receipt.closed, receipt.confirm_seconds, receipt.where, receipt.error) == (False, 0.0, None, None)
    assert (receipt._done, receipt._late, receipt._gate, receipt._waiting) == (False, False, None, None)
    receipt = receipt_of(kind, closed=True, confirm_seconds=1.5)
    assert (receipt.closed, receipt.confirm_seconds) == (True, 1.5)


def test_a_task_is_resumed_by_the_alarm_or_by_what_has_the_event(kind: Any) -> None:
    async def main() -> list[Any]:
        timed, resolved, refused = (receipt_of(kind) for _ in range(3))
        tasks = [asyncio.ensure_future(wait(one)) for one in (timed, resolved, refused)]
        await asyncio.sleep(0)
        kind.resolve([resolved], "memory")
        kind.resolve([refused], None, DeliveryError("no"))
        return list(await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10.0))

    first, second, third = asyncio.run(main())
    assert (first, second) == ("time is up", "memory")
    assert isinstance(third, DeliveryError)


def test_where_the_collector_is_waited_for_the_disk_is_enough_only_when_it_is_late(kind: Any) -> None:
    receipt = receipt_of(kind, confirm_seconds=5.0)
    assert kind.resolve([receipt_of(kind), receipt, receipt_of(kind)], "journal")
    assert (receipt.where, receipt._done) == ("journal", False)
    receipt._late = True
    assert not kind.resolve([receipt], "journal")
    assert receipt._done
    assert not kind.resolve([receipt], "collector")
    assert receipt.where == "collector"


def test_only_receipts_are_resolved(kind: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        kind.resolve([object()], "journal")
