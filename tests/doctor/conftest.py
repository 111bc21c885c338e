"""Fixtures of the doctor's tests: a receiver, and a canary that is known in all its parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.doctor.canary import Flight
from otel_events.receiver import Receiver
from tests.doctor.support import make_flight


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Give a receiver with an empty database, on free ports."""
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as running:
        yield running


@pytest.fixture
def flight() -> Flight:
    """Give a canary that was accepted on both signals."""
    return make_flight()


@pytest.fixture(autouse=True)
def _nobody_trusted(nobody_trusted: None) -> None:
    """Trust only whom a test says."""
