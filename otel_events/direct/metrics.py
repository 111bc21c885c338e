"""Metrics of the direct pipeline, through OpenTelemetry's metrics API: with no MeterProvider set they cost nothing.

Where the semantic conventions have a name it is used as they define it (version 1.43.0, "OpenTelemetry SDK metrics":
``otel.sdk.processor.log.*`` and ``otel.sdk.exporter.log.*``, with the attributes ``otel.component.*``, ``error.type`` and
``server.*``). So a record counts as processed once it was passed to the exporter, and as exported, or failed, once that is done
with it: "log records remain inflight across all retry attempts and any backoff between them". Names of our own begin with
``otel_events.``.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from otel_events import semconv
from otel_events.settings.otlp import OtlpSettings
from otel_events.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

_logger = logging.getLogger("otel_events")

COMPONENT_TYPE: Final = "otel.component.type"
COMPONENT_NAME: Final = "otel.component.name"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

PROCESSOR_TYPE: Final = "otel_events.direct.pipeline.DirectPipeline"
"""None of the standardized values applies: those of processors are for the SDK's own."""
EXPORTER_TYPES: Final = {"http/protobuf": "otlp_http_log_exporter", "grpc": "otlp_grpc_log_exporter"}

Attributes = Mapping[str, str | int]


class Reading(NamedTuple):
    """What a pipeline is at one moment, and has done since its beginning. None stands for what there is not.

    Args:
        queue_records: Records that wait in memory.
        queue_capacity: The most that may.
        in_flight: Records that were passed to an exporter and are neither sent nor failed.
        sent: Records that were accepted.
        dropped: Records that never reached an exporter, by ``error.type``; for a full queue that is ``queue_full``, after the
            shutdown ``already_shutdown``.
        failed: Records that were refused, by ``error.type``; those rejected without a reason are ``rejected``.
        journal_bytes: Size of what is in the journal, in bytes.
        journal_records: Records in the journal.
        dead_letters: Dead letters in the journal.
        oldest_seconds: Age of the oldest record that waits; 0 where none does.
    """

    queue_records: int
    queue_capacity: int
    in_flight: int
    sent: int
    dropped: Mapping[str, int]
    failed: Mapping[str, int]
    journal_bytes: int | None = None
    journal_records: int | None = None
    dead_letters: int | None = None
    oldest_seconds: float | None = None


Values = Iterable[tuple[float | None, str | None]]
"""Values, each with its ``error.type``, if it has one."""


class Metric(NamedTuple):
    """A metric, as OpenTelemetry defines it, and where its values come from.

    Args:
        name: Its name.
        kind: Of the instrument: ``counter``, ``up_down_counter`` or ``gauge``, each observable.
        unit: As in UCUM.
        of_exporter: Whether it is about the exporter; else it is about what fills it.
        description: In words; those of the semantic conventions where they have it.
        values: Takes its values from a reading.
    """

    name: str
    kind: str
    unit: str
    of_exporter: bool
    description: str
    values: Callable[[Reading], Values]


def _processed(reading: Reading) -> Values:
    yield reading.in_flight + reading.sent + sum(reading.failed.values()), None
    yield from _by_error(reading.dropped)


def _exported(reading: Reading) -> Values:
    yield reading.sent, None
    yield from _by_error(reading.failed)


def _by_error(counts: Mapping[str, int]) -> Values:
    return [(count, error_type) for error_type, count in counts.items()]


METRICS: Final = (
    Metric(
        "otel.sdk.processor.log.queue.size", "up_down_counter", "{log_record}", False,
        "The number of log records in the queue of a given instance of an SDK log processor.",
        lambda reading: [(reading.queue_records, None)],
    ),
    Metric(
        "otel.sdk.processor.log.queue.capacity", "up_down_counter", "{log_record}", False,
        "The maximum number of log records the queue of a given instance of an SDK Log Record processor can hold.",
        lambda reading: [(reading.queue_capacity, None)],
    ),
    Metric(
        "otel.sdk.processor.log.processed", "counter", "{log_record}", False,
        "The number of log records for which the processing has finished, either successful or failed.",
        _processed,
    ),
    Metric(
        "otel.sdk.exporter.log.exported", "counter", "{log_record}", True,
        "The number of log records for which the export has finished, either successful or failed.",
        _exported,
    ),
    Metric(
        "otel.sdk.exporter.log.inflight", "up_down_counter", "{log_record}", True,
        "The number of log records which were passed to the exporter, but that have not been exported yet "
        "(neither successful, nor failed).",
        lambda reading: [(reading.in_flight, None)],
    ),
    Metric(
        "otel_events.journal.size", "up_down_counter", "By", False,
        "The size of the records and dead letters in the journal.",
        lambda reading: [(reading.journal_bytes, None)],
    ),
    Metric(
        "otel_events.journal.records", "up_down_counter", "{log_record}", False,
        "The number of log records that wait in the journal.",
        lambda reading: [(reading.journal_records, None)],
    ),
    Metric(
        "otel_events.journal.dead_letters", "up_down_counter", "{dead_letter}", False,
        "The number of dead letters in the journal.",
        lambda reading: [(reading.dead_letters, None)],
    ),
    Metric(
        "otel_events.oldest_event.age", "gauge", "s", False,
        "The age of the oldest event that waits to be exported.",
        lambda reading: [(reading.oldest_seconds, None)],
    ),
)  # fmt: skip


class _Observed:
    """A pipeline of this process, which it keeps alive in no way."""

    def __init__(self, read: Callable[[], Reading | None], otlp: OtlpSettings, number: int) -> None:
        self.pid = os.getpid()
        self.read = weakref.WeakMethod(read)
        exporter_type = EXPORTER_TYPES[otlp.protocol]
        self._processor: Attributes = {
            COMPONENT_TYPE: PROCESSOR_TYPE,
            COMPONENT_NAME: f"{PROCESSOR_TYPE}/{number}",
        }
        self._exporter: Attributes = {
            COMPONENT_TYPE: exporter_type,
            # The SDK counts its own exporters of this type from 0.
            COMPONENT_NAME: f"{exporter_type}/otel_events/{number}",
            **_server(otlp),
        }
        self._highest: dict[tuple[str, str | None], float] = {}

    def observe(self, metric: Metric) -> Iterator[tuple[float, Attributes]]:
        """Give the values of one metric and their attributes."""
        read = self.read()
        reading = None if read is None or self.pid != os.getpid() else read()
        if reading is None:
            return
        attributes = self._exporter if metric.of_exporter else self._processor
        for value, error_type in metric.values(reading):
            if value is None:
                continue
            if metric.kind == "counter":
                # A reading is not taken in one moment, and a counter that goes back counts as begun anew.
                key = (metric.name, error_type)
                value = self._highest[key] = max(value, self._highest.get(key, value))
            yield value, attributes if error_type is None else {**attributes, ERROR_TYPE: error_type}


_observed: Final[list[_Observed]] = []
_numbers: Final = itertools.count()
_instruments: Final[list[object]] = []
"""One set for all pipelines: OpenTelemetry has no unregistering, and of two instruments of one name asks only the first."""


def observe(read: Callable[[], Reading | None], otlp: OtlpSettings) -> None:
    """Have a pipeline seen by whatever MeterProvider the application has set, or will set.

    Args:
        read: A method that gives a reading, or None. Its object is not kept alive; once it is gone, and in any other process
            than this, there is nothing to see.
        otlp: How the pipeline exports log records.
    """
    pid = os.getpid()
    for one in _observed.copy():
        if one.pid != pid or one.read() is None:
            with contextlib.suppress(ValueError):  # Another thread has removed it.
                _observed.remove(one)
    _observed.append(_Observed(read, otlp, next(_numbers)))
    if not _instruments:
        try:
            _instruments.extend(_make_instruments())
        except Exception as error:  # A MeterProvider may be of any make.
            _logger.warning("the metrics of otel-events cannot be registered: %s", type(error).__name__)


def _make_instruments() -> Iterator[object]:
    from opentelemetry.metrics import get_meter

    meter = get_meter(semconv.SCOPE_NAME, VERSION, schema_url=semconv.SCHEMA_URL)
    for metric in METRICS:
        create = getattr(meter, f"create_observable_{metric.kind}")
        yield create(metric.name, [_callback(metric)], unit=metric.unit, description=metric.description)


def _callback(metric: Metric) -> Callable[[CallbackOptions], list[Observation]]:
    from opentelemetry.metrics import Observation

    def observations(_options: CallbackOptions) -> list[Observation]:
        seen = []
        for one in _observed.copy():
            try:
                seen += [Observation(value, attributes) for value, attributes in one.observe(metric)]
            except Exception:
                _logger.debug("a pipeline could not be read for %s", metric.name, exc_info=True)
        return seen

    return observations


def _server(otlp: OtlpSettings) -> Attributes:
    """Return whom records go to, without the credentials that may stand in an endpoint."""
    parts = urlsplit(otlp.endpoint if "://" in otlp.endpoint else f"//{otlp.endpoint}")
    # gRPC takes the port of https whatever the scheme.
    port = parts.port or (443 if otlp.tls or otlp.protocol == "grpc" else 80)
    return {SERVER_ADDRESS: parts.hostname or "", SERVER_PORT: port}
