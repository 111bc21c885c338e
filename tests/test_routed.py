"""Each event goes to one of two pipelines, by the delivery of its class; time is shared, and what both count is added up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from otel_events import Event, Login, Outcome
from otel_events import routed as module
from otel_events.routed import RoutedPipelines
from otel_events.stamp import Stamp, Stamper


@dataclass
class Paid(Event):
    name = "paid"
    delivery = "journal"


@dataclass
class Refunded(Event):
    name = "refunded"
    delivery = "confirmed"


@dataclass
class Viewed(Event):
    name = "viewed"
    delivery = "memory"


class Foreign:
    """No class of ours: what it calls delivery is its own affair."""

    name = "foreign"
    created = None
    delivery = "by post"


class Noting:
    """A pipeline that notes what it gets."""

    def __init__(self, label: str, sent: int | None, *, seconds: float = 0.0, well: bool = True) -> None:
        self.names: list[str] = []
        self.timeouts: list[float] = []
        self._label, self._sent, self._seconds, self._well = label, sent, seconds, well

    def accept(self, event: Any, stamp: Stamp) -> None:
        self.names.append(event.name)

    def flush(self, timeout: float) -> Outcome:
        self.timeouts.append(timeout)
        time.sleep(self._seconds)
        return Outcome(self._sent, 0, 0)

    shutdown = flush

    def stats(self) -> dict[str, str]:
        return {self._label: self._label, "both": self._label}

    def healthy(self) -> bool:
        return self._well


@pytest.mark.parametrize(
    ("delivery", "ordinary"),
    [("memory", ["login", "viewed", "foreign"]), ("journal", ["viewed"]), ("confirmed", ["viewed"])],
)
def test_the_delivery_of_its_class_decides_else_the_setting(delivery: str, ordinary: list[str]) -> None:
    pipelines = Noting("ordinary", 1), Noting("durable", 2)
    routed = RoutedPipelines(*pipelines, delivery)
    for event in (Login(), Viewed(), Paid(), Refunded(), Foreign()) * 2:
        routed.accept(event, Stamper().stamp())
    names = ["login", "viewed", "paid", "refunded", "foreign"] * 2
    assert pipelines[0].names == ordinary * 2
    assert pipelines[1].names == [name for name in names if name not in ordinary]


def test_receipts_are_handed_back() -> None:
    class WithReceipt(Noting):
        def accept(self, event: Any, stamp: Stamp) -> Any:
            return f"receipt of {event.name}"

    routed = RoutedPipelines(Noting("ordinary", 1), WithReceipt("durable", 2), "memory")
    receipt: Any = routed.accept(Paid(), Stamper().stamp())
    assert receipt == "receipt of paid"
    assert routed.accept(Login(), Stamper().stamp()) is None


def test_outcomes_and_counts_are_those_of_both() -> None:
    routed = RoutedPipelines(Noting("ordinary", 1), Noting("durable", 2), "memory")
    assert routed.flush(1.0) == routed.shutdown(1.0) == Outcome(3, 0, 0)
    assert routed.stats() == {"ordinary": "ordinary", "durable": "durable", "both": "durable"}
    # An application's own SDK does not say what it sent.
    assert RoutedPipelines(Noting("ordinary", None), Noting("durable", 2), "memory").flush(1.0) == Outcome(None, 0, 0)


def test_time_is_shared() -> None:
    ordinary, durable = Noting("ordinary", 1), Noting("durable", 2, seconds=0.1)
    routed = RoutedPipelines(ordinary, durable, "memory")
    routed.flush(0.15)
    routed.shutdown(0.05)
    assert ordinary.timeouts[0] < 0.1
    assert ordinary.timeouts[1] == 0.0


@pytest.mark.parametrize("ordinary", [True, False])
@pytest.mark.parametrize("durable", [True, False])
def test_it_is_well_where_both_are(ordinary: bool, durable: bool) -> None:
    routed = RoutedPipelines(Noting("a", 1, well=ordinary), Noting("b", 1, well=durable), "memory")
    assert routed.healthy() is (ordinary and durable)


def test_the_classes_it_remembers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_CLASSES", 2)
    ordinary, durable = Noting("ordinary", 1), Noting("durable", 2)
    routed = RoutedPipelines(ordinary, durable, "memory")
    for _ in range(2):
        for event in (Login(), Viewed(), Paid()):
            routed.accept(event, Stamper().stamp())
            assert len(routed._ways) <= 2
    assert (ordinary.names, durable.names) == (["login", "viewed"] * 2, ["paid"] * 2)
