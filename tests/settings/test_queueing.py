"""The queue's settings: the standard variables, the project's own, and their defaults."""

from __future__ import annotations

import logging

import pytest

from otel_events import SettingsError
from otel_events.settings import resolve
from otel_events.settings.queueing import DEFAULT_BATCH_RECORDS, DEFAULT_BYTES, DEFAULT_RECORDS, QueueSettings


def test_defaults() -> None:
    queue = resolve({}, {}).queue

    assert (queue.max_records, queue.max_bytes, queue.when_full) == (DEFAULT_RECORDS, DEFAULT_BYTES, "drop_newest")
    assert (queue.batch_records, queue.delay_seconds) == (DEFAULT_BATCH_RECORDS, 1.0)


def test_variables_and_arguments() -> None:
    environ = {
        "OTEL_BLRP_MAX_QUEUE_SIZE": "100",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "512",
        "OTEL_BLRP_SCHEDULE_DELAY": "250",
        "OTEL_EVENTS_QUEUE_BYTES": "1000",
    }

    queue = resolve({"when_full": "block"}, environ).queue
    # A batch is never larger than the queue.
    assert queue == QueueSettings(100, 1000, "block", 100, queue.batch_bytes, 0.25)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_bad_values(value: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "otel_events"):
        assert resolve({}, {"OTEL_BLRP_MAX_QUEUE_SIZE": value}).queue.max_records == DEFAULT_RECORDS
    assert "a whole number above 0" in caplog.text
    with pytest.raises(SettingsError, match="a whole number of bytes above 0"):
        resolve({"queue_bytes": value}, {})
    with pytest.raises(SettingsError, match="drop_newest, drop_oldest, block"):
        resolve({"when_full": value}, {})
