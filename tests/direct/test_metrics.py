"""The pipeline's own metrics: what it says of itself reaches a MeterProvider, under the conventions' names, while it is so."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint, Sum
from opentelemetry.semconv._incubating.attributes import otel_attributes
from opentelemetry.semconv._incubating.metrics import otel_metrics
from opentelemetry.semconv.attributes import error_attributes, server_attributes

from otel_events import semconv
from otel_events.direct import metrics
from otel_events.direct.metrics import METRICS, Reading, observe
from otel_events.settings import resolve
from otel_events.settings.otlp import OtlpSettings

READING = Reading(
    queue_records=7,
    queue_capacity=100,
    in_flight=3,
    sent=40,
    dropped={"queue_full": 2, "already_shutdown": 1},
    failed={"400": 5, "rejected": 4},
    journal_bytes=4096,
    journal_records=9,
    dead_letters=6,
    oldest_seconds=1.5,
)
MEMORY = READING._replace(journal_bytes=None, journal_records=None, dead_letters=None, oldest_seconds=None)


class Pipeline:
    """Has a reading to give, or an exception."""

    def __init__(self, reading: Reading | Exception | None = READING) -> None:
        self.reading = reading

    def read(self) -> Reading | None:
        if isinstance(self.reading, Exception):
            raise self.reading
        return self.reading


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """Give what reads the MeterProvider of an application, and have nothing observed before."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    # What set_meter_provider does, once a process.
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", provider)
    monkeypatch.setattr(metrics, "_observed", [])
    monkeypatch.setattr(metrics, "_instruments", [])
    yield reader
    provider.shutdown()


def otlp(**arguments: Any) -> OtlpSettings:
    return resolve(arguments, {}).logs


def points(reader: InMemoryMetricReader) -> dict[str, list[NumberDataPoint]]:
    """Return what is read now, by the metrics' names."""
    data = reader.get_metrics_data()
    scopes = [] if data is None else [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    ours = [metric for scope in scopes if scope.scope.name == semconv.SCOPE_NAME for metric in scope.metrics]
    return {metric.name: list(metric.data.data_points) for metric in ours}  # type: ignore[arg-type] # numbers all


def values(reader: InMemoryMetricReader) -> dict[str, dict[str | None, float]]:
    """Return the values by the metrics' names and their error.type."""
    return {
        name: {(point.attributes or {}).get("error.type"): point.value for point in found}  # type: ignore[misc]
        for name, found in points(reader).items()
    }


def test_a_reading_becomes_these_metrics(reader: InMemoryMetricReader) -> None:
    pipeline = Pipeline()
    observe(pipeline.read, otlp())
    assert values(reader) == {
        "otel.sdk.processor.log.queue.size": {None: 7},
        "otel.sdk.processor.log.queue.capacity": {None: 100},
        # Whatever was passed to the exporter: 3 under way, 40 sent, 9 failed.
        "otel.sdk.processor.log.processed": {None: 52, "queue_full": 2, "already_shutdown": 1},
        "otel.sdk.exporter.log.exported": {None: 40, "400": 5, "rejected": 4},
        "otel.sdk.exporter.log.inflight": {None: 3},
        "otel_events.journal.size": {None: 4096},
        "otel_events.journal.records": {None: 9},
        "otel_events.journal.dead_letters": {None: 6},
        "otel_events.oldest_event.age": {None: 1.5},
    }
    pipeline.reading = READING._replace(queue_records=0, sent=47)
    assert values(reader)["otel.sdk.processor.log.queue.size"] == {None: 0}
    assert values(reader)["otel.sdk.exporter.log.exported"][None] == 47


def test_what_there_is_not_is_not_told(reader: InMemoryMetricReader) -> None:
    pipeline = Pipeline(MEMORY)
    observe(pipeline.read, otlp())
    assert {name for name in values(reader) if name.startswith("otel_events.")} == set()
    pipeline.reading = None
    assert points(reader) == {}


def test_names_units_and_kinds_are_those_of_the_semantic_conventions() -> None:
    created: list[tuple[str, str, str, str]] = []

    class Meter:
        """Notes how the conventions' own functions make their instruments."""

        def create_counter(self, name: str, unit: str, description: str) -> None:
            created.append((name, "counter", unit, description))

        def create_up_down_counter(self, name: str, unit: str, description: str) -> None:
            created.append((name, "up_down_counter", unit, description))

    for name, function in vars(otel_metrics).items():
        if name.startswith("create_otel_sdk") and "_log_" in name and name != "create_otel_sdk_log_created":
            function(Meter())
    ours = [(metric.name, metric.kind, metric.unit, metric.description) for metric in METRICS]
    assert sorted(created) == sorted(metric for metric in ours if metric[0].startswith("otel.sdk."))
    assert metrics.COMPONENT_NAME == otel_attributes.OTEL_COMPONENT_NAME
    assert metrics.COMPONENT_TYPE == otel_attributes.OTEL_COMPONENT_TYPE
    assert metrics.ERROR_TYPE == error_attributes.ERROR_TYPE
    assert metrics.SERVER_ADDRESS == server_attributes.SERVER_ADDRESS
    assert metrics.SERVER_PORT == server_attributes.SERVER_PORT
    types = {kind.value for kind in otel_attributes.OtelComponentTypeValues}
    assert set(metrics.EXPORTER_TYPES.values()) <= types


def test_counters_are_counters(reader: InMemoryMetricReader) -> None:
    pipeline = Pipeline()
    observe(pipeline.read, otlp())
    data = reader.get_metrics_data()
    assert data is not None
    found = data.resource_metrics[0].scope_metrics[0].metrics
    monotonic = {metric.name for metric in found if isinstance(metric.data, Sum) and metric.data.is_monotonic}
    assert monotonic == {"otel.sdk.processor.log.processed", "otel.sdk.exporter.log.exported"}
    assert {metric.unit for metric in found} == {"{log_record}", "{dead_letter}", "By", "s"}


@pytest.mark.parametrize(
    ("arguments", "exporter_type", "address", "port"),
    [
        ({"endpoint": "http://collector:4318"}, "otlp_http_log_exporter", "collector", 4318),
        ({"endpoint": "http://collector"}, "otlp_http_log_exporter", "collector", 80),
        ({"endpoint": "https://joe:s3cret@collector/base?key=s3cret"}, "otlp_http_log_exporter", "collector", 443),
        ({"endpoint": "http://[::1]:4318"}, "otlp_http_log_exporter", "::1", 4318),
        ({"endpoint": "http://collector:4317", "protocol": "grpc"}, "otlp_grpc_log_exporter", "collector", 4317),
        ({"endpoint": "joe:s3cret@collector:4317", "protocol": "grpc"}, "otlp_grpc_log_exporter", "collector", 4317),
        ({"endpoint": "http://collector", "protocol": "grpc"}, "otlp_grpc_log_exporter", "collector", 443),
    ],
)
def test_attributes_say_what_it_is_and_where_it_sends_and_no_secret(
    reader: InMemoryMetricReader, arguments: Any, exporter_type: str, address: str, port: int
) -> None:
    pipeline = Pipeline(MEMORY)
    observe(pipeline.read, otlp(**arguments))
    found = points(reader)
    [inflight] = found["otel.sdk.exporter.log.inflight"]
    attributes = dict(inflight.attributes or {})
    number = str(attributes.pop("otel.component.name")).removeprefix(f"{exporter_type}/otel_events/")
    assert number.isdecimal()
    assert attributes == {
        "otel.component.type": exporter_type,
        "server.address": address,
        "server.port": port,
    }
    [size] = found["otel.sdk.processor.log.queue.size"]
    assert dict(size.attributes or {}) == {
        "otel.component.type": "otel_events.direct.pipeline.DirectPipeline",
        "otel.component.name": f"otel_events.direct.pipeline.DirectPipeline/{number}",
    }
    assert "s3cret" not in repr(found)


def test_each_pipeline_is_seen_under_a_name_of_its_own(reader: InMemoryMetricReader) -> None:
    first, second = Pipeline(), Pipeline(READING._replace(sent=1))
    for pipeline in (first, second):
        observe(pipeline.read, otlp())
    sent = [point for point in points(reader)["otel.sdk.exporter.log.exported"] if len(point.attributes or {}) == 4]
    assert sorted(point.value for point in sent) == [1, 40]
    assert len({(point.attributes or {})["otel.component.name"] for point in sent}) == 2


def test_a_pipeline_is_not_kept_alive_and_what_is_gone_is_not_seen(reader: InMemoryMetricReader) -> None:
    kept, gone = Pipeline(), Pipeline()
    for pipeline in (kept, gone):
        observe(pipeline.read, otlp())
    trace = weakref.ref(gone)
    del gone, pipeline
    gc.collect()
    assert trace() is None
    assert len(points(reader)["otel.sdk.exporter.log.inflight"]) == 1
    observe(kept.read, otlp())
    assert len(metrics._observed) == 2  # what is gone is forgotten


def test_a_pipeline_that_cannot_be_read_spoils_nothing(reader: InMemoryMetricReader) -> None:
    broken, whole = Pipeline(ValueError("no")), Pipeline()
    for pipeline in (broken, whole):
        observe(pipeline.read, otlp())
    assert len(points(reader)["otel.sdk.exporter.log.inflight"]) == 1


def test_a_provider_that_raises_costs_the_metrics_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(MeterProvider):
        def get_meter(self, *args: Any, **kwargs: Any) -> Any:
            raise LookupError("no meter")

    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", Broken())
    monkeypatch.setattr(metrics, "_observed", [])
    monkeypatch.setattr(metrics, "_instruments", [])
    observe(Pipeline().read, otlp())
    assert [record.getMessage() for record in caplog.records] == [
        "the metrics of otel-events cannot be registered: LookupError"
    ]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2))
def test_a_counter_never_goes_back(steps: list[tuple[int, int]]) -> None:
    """A reading taken while a batch changes from one count to another may show it in none of them."""
    pipeline = Pipeline()
    observed = metrics._Observed(pipeline.read, otlp(), 0)
    [processed] = [metric for metric in METRICS if metric.name == "otel.sdk.processor.log.processed"]
    seen = []
    for in_flight, sent in steps:
        pipeline.reading = READING._replace(in_flight=in_flight, sent=sent)
        seen.append(next(observed.observe(processed))[0])
    assert seen == sorted(seen)
    assert seen[0] == sum(steps[0]) + 9


PROGRAM = """
import os, sys
from otel_events.direct.metrics import Reading, observe
from otel_events.settings import resolve

class Pipeline:
    def read(self):
        return Reading(1, 2, 3, 4, {}, {})

def read(reader):
    data = reader.get_metrics_data()
    return 0 if data is None else len(data.resource_metrics[0].scope_metrics[0].metrics)

pipeline = Pipeline()
observe(pipeline.read, resolve({}, {}).logs)
"""

PROVIDER = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_without_a_provider_nothing_is_loaded_and_nothing_is_set() -> None:
    look = "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')], metrics._METER_PROVIDER)"
    assert run(f"{PROGRAM}\nfrom opentelemetry.metrics import _internal as metrics\n{look}") == "[] None\n"


def test_a_provider_that_is_set_later_sees_it() -> None:
    assert run(f"{PROGRAM}{PROVIDER}print(read(reader))") == "5\n"


def test_a_forked_child_shows_what_is_its_own_and_not_its_parents() -> None:
    fork = """
print(read(reader), flush=True)
if os.fork() == 0:
    print(read(reader), flush=True)
    own = Pipeline()
    observe(own.read, resolve({}, {}).logs)
    print(read(reader), flush=True)
    os._exit(0)
os.wait()
print(read(reader))
"""
    assert run(PROVIDER + PROGRAM + fork) == "5\n0\n5\n5\n"
