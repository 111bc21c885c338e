"""Fixtures of the receiver's tests: a running receiver, and one shared by the tests that only look at answers."""

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


@pytest.fixture(scope="module")
def small_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """Give a receiver with low bounds, on free ports: a request may have 20,000 bytes and 3 records."""
    database = tmp_path_factory.mktemp("receiver") / "events.db"
    with Receiver(database, http_port=0, grpc_port=0, max_body_bytes=20_000, max_records=3) as running:
        yield running
