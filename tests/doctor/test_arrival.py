"""What is missing of a canary that arrived is named part by part."""

from __future__ import annotations

from typing import Any

import pytest

from otel_events.doctor.canary import Flight
from tests.doctor.support import make_arrival


@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_nothing_is_missing_of_a_complete_one(flight: Flight, signal: str) -> None:
    assert make_arrival(flight, signal).missing(flight) == []


@pytest.mark.parametrize(
    ("signal", "changes", "missing"),
    [
        ("logs", {"name": ""}, ["event name"]),
        ("traces", {"name": "other"}, ["event name"]),
        ("logs", {"body": ""}, ["body"]),
        ("logs", {"body": "other"}, ["body"]),
        ("logs", {"trace_id": ""}, ["trace id"]),
        ("logs", {"trace_id": "", "span_id": ""}, ["trace id", "span id"]),
        ("traces", {"span_id": "0" * 16}, ["span id"]),
    ],
)
def test_parts_that_are_missing(flight: Flight, signal: str, changes: dict[str, Any], missing: list[str]) -> None:
    assert make_arrival(flight, signal, **changes).missing(flight) == missing


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        (["n"], ["attribute n"]),
        (["n", "alive"], ["attributes n, alive"]),
        (["log.record.uid"], ["attribute log.record.uid"]),
    ],
)
def test_attributes_that_are_missing(flight: Flight, lost: list[str], missing: list[str]) -> None:
    arrival = make_arrival(flight)
    kept = {key: value for key, value in arrival.attributes.items() if key not in lost}
    assert arrival._replace(attributes=kept).missing(flight) == missing


def test_an_attribute_with_another_value_is_missing(flight: Flight) -> None:
    arrival = make_arrival(flight)
    arrival.attributes["n"] = "43"
    assert arrival.missing(flight) == ["attribute n"]


def test_further_attributes_do_no_harm(flight: Flight) -> None:
    arrival = make_arrival(flight)
    arrival.attributes["service.name"] = "shop"
    assert arrival.missing(flight) == []
