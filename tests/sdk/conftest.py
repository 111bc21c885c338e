"""Fixtures of the SDK pipeline's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.receiver import Receiver


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Give a receiver with an empty database, on free ports."""
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as running:
        yield running


@pytest.fixture(autouse=True)
def _nobody_trusted(nobody_trusted: None) -> None:
    """Trust only whom a test says."""
