"""The pytest plugin: the fixture ``captured_events``. What it needs is imported when a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from otel_events.testing import CapturedEvents


@pytest.fixture
def captured_events() -> Iterator[CapturedEvents]:
    """Events tracked in this test: make a tracker with ``.tracker(event_types=[…])``, or ``.attach()`` the application's."""
    from otel_events.testing import CapturedEvents

    with CapturedEvents() as captured:
        yield captured
