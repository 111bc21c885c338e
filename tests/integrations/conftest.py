"""Fixtures of the integrations' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from datasette.plugins import pm

from otel_events.integrations import datasette as plugin
from otel_events.receiver import Receiver
from tests.integrations.datasette_host import ReportsPlugin


@pytest.fixture
def datasette_plugins() -> Iterator[None]:
    """Register the plugin, which an installed package has done already, and the other one."""
    ours = not pm.is_registered(plugin)
    if ours:
        pm.register(plugin, "otel-events")
    pm.register(other := ReportsPlugin())
    yield
    pm.unregister(other)
    if ours:
        pm.unregister(plugin)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "received.db", http_port=0, grpc_port=0) as running:
        yield running
