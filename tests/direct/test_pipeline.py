"""The direct pipeline: events reach a real Collector over HTTP and gRPC, from every process, and what is lost is counted."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from typing import Any

import pytest

import otel_events
from otel_events import Event, EventTracker, Outcome, SettingsError, semconv, to_log_record
from tests.backends.records import LogRecord
from tests.backends.servers import Collector, Jaeger
from tests.backends.wait import wait_until
from tests.direct.faulty import HttpReply, HttpServer
from tests.direct.sending import PORTS, protocols


@dataclass
class Counted(Event):
    name = "counted"
    namespace = "app"
    number: int
    text: str = "héllo"


def configure(endpoint: str, **arguments: Any) -> EventTracker:
    return otel_events.configure(
        event_types=[Counted], pipeline="direct", endpoint=endpoint, **{"environ": {}, **arguments}
    )


def events_of(collector: Collector, service: str) -> list[LogRecord]:
    """Return the log records of a service without its checkpoints."""
    return [record for record in collector.log_records(service) if record.event_name != semconv.CHECKPOINT]


@protocols
def test_events_reach_a_real_collector_whole(own_collector: Collector, protocol: str) -> None:
    endpoint = f"http://{own_collector.address(PORTS[protocol])}"
    tracker = configure(endpoint, protocol=protocol, service_name="shop", resource_attributes={"team": "checkout"})
    events = [Counted(number, actor={"id": "alice", "name": "Alice"}) for number in range(10_000)]
    for event in events:
        tracker.track(event)

    assert tracker.shutdown(30.0) == Outcome(10_000, 0, 0)
    records = events_of(own_collector, "shop")
    assert len({record.attributes["log.record.uid"] for record in records}) == len(records) == 10_000
    expected = to_log_record(events[7])
    [record] = [record for record in records if record.attributes["app.number"] == 7]
    assert record.event_name == "counted"
    assert record.body == expected.body
    assert record.severity_text == "INFO"
    assert record.attributes == {**expected.attributes, "log.record.uid": record.attributes["log.record.uid"]}
    assert record.time_unix_nano == expected.time_ns
    assert record.resource["team"] == "checkout"


def test_span_events_go_beside_it(own_collector: Collector, jaeger: Jaeger) -> None:
    tracker = configure(own_collector.http_endpoint, signals="logs,traces", service_name="joined")
    tracker.track(Counted(1, actor="alice"))
    tracker.shutdown(20.0)

    [record] = events_of(own_collector, "joined")
    [span] = own_collector.spans("joined")
    assert record.attributes["log.record.uid"] == span.events[0].attributes["log.record.uid"]


def test_an_outage_loses_nothing_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with HttpServer() as server:
        server.default = HttpReply(503)
        tracker = configure(server.endpoint)
        with caplog.at_level(logging.INFO, "otel_events"):
            for number in range(100):
                tracker.track(Counted(number))
            assert tracker.flush(1.2) == Outcome(0, 100, 0)
            assert "503" in tracker.stats()["otel"]["logs.trouble"]
            server.default = HttpReply()
            assert tracker.flush(20.0) == Outcome(100, 0, 0)
        said = [record.getMessage() for record in caplog.records]
        assert ["do not arrive" in said[0], "arrive again" in said[1], len(said)] == [True, True, 2]
        assert tracker.stats()["otel"]["logs.trouble"] is None
        tracker.shutdown(5.0)


def test_what_overflows_is_counted() -> None:
    with HttpServer() as server:
        server.default = HttpReply(401)
        tracker = configure(server.endpoint, environ={"OTEL_BLRP_MAX_QUEUE_SIZE": "10"})
        for number in range(100):
            tracker.track(Counted(number))
        outcome = tracker.flush(0.1)
        assert outcome.pending is not None
        assert outcome.lost == 100 - outcome.pending
        assert tracker.stats()["otel"]["logs.lost.queue_full"] == outcome.lost
        assert tracker.shutdown(0.5) == Outcome(0, 0, 100)


def test_tracking_never_waits_for_the_network() -> None:
    with HttpServer() as server:
        server.default = HttpReply(silent=True)
        tracker = configure(server.endpoint, timeout_seconds=60.0)
        began = time.monotonic()
        for number in range(1000):
            tracker.track(Counted(number))
        assert time.monotonic() - began < 20.0
        assert tracker.shutdown(0.5) == Outcome(0, 0, 1000)
        assert time.monotonic() - began < 25.0


SCRIPT = """
import multiprocessing, os, sys
from dataclasses import dataclass
import otel_events
from otel_events import Event

@dataclass
class Counted(Event):
    name = "counted"
    who: str

tracker = otel_events.configure(event_types=[Counted], pipeline="direct", service_name="processes")

def child(who):
    tracker.track(Counted(who))

if __name__ == "__main__":
    tracker.track(Counted("parent"))
    {middle}
    tracker.track(Counted("parent again"))
"""

FORK = """
    if os.fork() == 0:
        child("child")
        sys.exit()
    os.wait()
"""

MULTIPROCESSING = """
    process = multiprocessing.get_context("fork").Process(target=child, args=("child",))
    process.start()
    process.join()
"""


@protocols
@pytest.mark.parametrize("middle", [FORK, MULTIPROCESSING], ids=["fork", "multiprocessing"])
def test_every_process_sends_its_own_events_once_and_at_its_exit(
    own_collector: Collector, protocol: str, middle: str
) -> None:
    script = SCRIPT.replace("    {middle}\n", textwrap.indent(textwrap.dedent(middle), "    "))
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{own_collector.address(PORTS[protocol])}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "PYTHONPATH": ":".join(sys.path),
    }
    # Python 3.12 and later warn of forks in processes with threads.
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=environ, check=True, timeout=60)

    wait_until(lambda: len(events_of(own_collector, "processes")) >= 3)
    records = events_of(own_collector, "processes")
    streams = {record.attributes["app.who"]: record.attributes["log.record.uid"][10:18] for record in records}
    assert len(records) == 3
    assert streams["parent"] == streams["parent again"] != streams["child"]


def test_it_loads_no_sdk() -> None:
    script = (
        "import sys, otel_events; t = otel_events.configure(event_types=[otel_events.Login], pipeline='direct', "
        "endpoint='http://127.0.0.1:9'); t.track(otel_events.Login()); t.shutdown(0.2); "
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'grpc'))]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_contradictions_are_refused() -> None:
    with pytest.raises(SettingsError, match="signals has only traces"):
        configure("http://127.0.0.1:9", signals="traces")
    with pytest.raises(SettingsError, match="goes past it"):
        configure("http://127.0.0.1:9", logger_provider=object())


def test_after_shutdown_events_are_counted() -> None:
    from otel_events.direct.pipeline import DirectPipeline
    from otel_events.settings import resolve
    from otel_events.stamp import Stamper

    stamper = Stamper()
    pipeline = DirectPipeline(resolve({}, {}), stamper)
    assert pipeline.shutdown(0.1) == Outcome(0, 0, 0)
    pipeline.accept(Counted(1), stamper.stamp())

    assert pipeline.stats() == {"after_shutdown": 1}
