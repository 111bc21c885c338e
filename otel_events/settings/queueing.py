"""How records wait in memory and go out in batches (OpenTelemetry specification, "Batch LogRecord Processor")."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

from otel_events.settings import readers
from otel_events.settings.sources import Sources

FullPolicy = Literal["drop_newest", "drop_oldest", "block"]
FULL_POLICIES: Final[tuple[FullPolicy, ...]] = get_args(FullPolicy)

DEFAULT_RECORDS: Final = 65_536
"""More than the specification's 2,048, which a busy process fills in a few hundredths of a second."""
DEFAULT_BYTES: Final = 64 * 1024 * 1024
DEFAULT_BATCH_RECORDS: Final = 4096
BATCH_BYTES: Final = 3 * 1024 * 1024
"""Below the 4 MiB that gRPC servers take by default; a single record is never larger."""
DEFAULT_DELAY_SECONDS: Final = 1.0


class QueueSettings(NamedTuple):
    """The queue of the direct pipeline.

    Args:
        max_records: The most records that wait.
        max_bytes: The most bytes that wait.
        when_full: What is done with a record for which there is no room.
        batch_records: The most records of one request.
        batch_bytes: The most bytes of one request.
        delay_seconds: How long a record waits for others at most.
    """

    max_records: int
    max_bytes: int
    when_full: FullPolicy
    batch_records: int
    batch_bytes: int
    delay_seconds: float


def queue_settings(sources: Sources, max_bytes: int, when_full: FullPolicy) -> QueueSettings:
    """Return the settings of the queue: the standard variables ``OTEL_BLRP_*``, and the project's own settings as given."""
    whole = "a whole number above 0"
    records = sources.standard(
        "queue_records", None, ["OTEL_BLRP_MAX_QUEUE_SIZE"], DEFAULT_RECORDS, readers.positive, whole
    )
    batch = sources.standard(
        "batch_records", None, ["OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"], DEFAULT_BATCH_RECORDS, readers.positive, whole
    )
    delay = sources.standard(
        "delay_seconds",
        None,
        ["OTEL_BLRP_SCHEDULE_DELAY"],
        DEFAULT_DELAY_SECONDS,
        readers.milliseconds,
        "a number of milliseconds above 0 and below a day",
    )
    return QueueSettings(records, max_bytes, when_full, min(batch, records), BATCH_BYTES, delay)
