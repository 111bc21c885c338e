"""Fixtures of the examples' tests: an OTLP receiver, and an environment in which an example exports to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.receiver import Receiver

ROOT = Path(__file__).parents[2]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Give a receiver with an empty database, on free ports."""
    with Receiver(tmp_path / "received.db", http_port=0, grpc_port=0) as running:
        yield running


@pytest.fixture
def environ(receiver: Receiver) -> dict[str, str]:
    """Give the environment of an example: it sees this package, exports to the receiver, and does not wait long to do so."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
    }
