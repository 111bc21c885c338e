"""The watch counts what an exporter sent and lost, and says what goes wrong once, not for each event, without secrets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor

import otel_events
from otel_events import Outcome
from otel_events.diagnosis import Seen
from otel_events.sdk.watch import Watch, WatchedLogExporter
from otel_events.settings import resolve
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.sdk.support import GRPC, HTTP, Ping, WebServer, free_port, protocols, silent_server, warnings_in

HTTP_LOGGER = "opentelemetry.exporter.otlp.proto.http._log_exporter"


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch("logs", resolve({"headers": {"authorization": "Bearer planted"}}, {}).logs)
    watch.open()
    yield watch
    watch.close()


def filters() -> list[object]:
    return [one for one in logging.getLogger(HTTP_LOGGER).filters if isinstance(one, Watch)]


def test_what_succeeds_is_sent_and_what_fails_is_lost(watch: Watch) -> None:
    assert watch.export(lambda: True, 3)
    assert not watch.export(lambda: False, 2)
    assert (watch.sent, watch.lost) == (3, 2)


def test_an_exporter_that_raises_loses_its_batch_and_is_explained(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    def export() -> bool:
        raise RuntimeError("no such thing as Bearer planted")

    assert not watch.export(export, 2)
    assert watch.lost == 2
    [line] = warnings_in(caplog)
    assert "RuntimeError: no such thing as [redacted]" in line


@protocols
def test_an_outage_is_told_once_and_its_end_with_what_was_lost(
    own_collector: Collector, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    endpoint = own_collector.http_endpoint if protocol == HTTP else own_collector.grpc_endpoint
    tracker = otel_events.configure(
        pipeline="sdk",
        event_types=[Ping],
        endpoint=endpoint,
        protocol=protocol,
        timeout_seconds=2.0,
        service_name="outage",
        environ={},
    )
    tracker.track(Ping())
    assert tracker.flush(10.0) == Outcome(1, 0, 0)
    for outage in (1, 2):
        own_collector.stop()
        for number in (1, 2, 3):
            tracker.track(Ping(number=number))
            tracker.track(Ping(number=number))
            tracker.flush(10.0)
        [told] = warnings_in(caplog)
        assert told == f"{tracker.stats()['otel']['logs.trouble']} Said once; tracker.stats() counts what is lost."
        assert f"log records do not arrive at {endpoint}" in told
        caplog.clear()

        own_collector.start()
        tracker.track(Ping())
        assert tracker.flush(10.0) == Outcome(1 + outage, 0, 6 * outage)
        [over] = warnings_in(caplog)
        assert over.startswith("log records arrive again at http://127.0.0.1:")
        assert over.endswith("; 6 were lost meanwhile.")
        assert tracker.stats()["otel"]["logs.trouble"] is None
        caplog.clear()
    tracker.shutdown(5.0)
    assert len(own_collector.log_records("outage")) == 3


def test_what_a_retry_mends_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with WebServer(200) as server:
        server.first = [503]
        tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], endpoint=server.endpoint, environ={})
        tracker.track(Ping())
        assert tracker.shutdown(10.0) == Outcome(1, 0, 0)
        assert len(server.requests) == 2
    assert not warnings_in(caplog)


def test_a_second_failure_is_told_before_the_exporter_gives_up(caplog: pytest.LogCaptureFixture) -> None:
    with WebServer(503) as server:
        tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], endpoint=server.endpoint, environ={})
        tracker.track(Ping())
        assert tracker.flush(0.0) == Outcome(0, 1, 0)
        [line] = wait_until(lambda: warnings_in(caplog))
        assert "(503 Service Unavailable)" in line
        assert tracker.flush(0.0) == Outcome(0, 1, 0)
        server.answer = (200, {}, b"")
        assert tracker.shutdown(10.0) == Outcome(1, 0, 0)
    assert warnings_in(caplog)[1:] == [f"log records arrive again at {server.endpoint}/v1/logs; 0 were lost meanwhile."]


def test_another_failure_is_told_as_well(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    def failing(seen: Seen) -> None:
        def export() -> bool:
            watch.see(seen)
            watch.see(Seen(None, "the summary of the exporter"))
            return False

        watch.export(export, 1)

    for seen in (Seen(500, "a"), Seen(500, "b"), Seen(401, ""), Seen(500, "c")):
        failing(seen)
    told = warnings_in(caplog)
    assert len(told) == 2
    assert "the server failed (500 a)" in told[0]
    assert "refuses the credentials (401)" in told[1]
    assert watch.trouble is not None
    assert "(500 c)" in watch.trouble


def test_the_words_of_other_exporters_pass(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """An application's own exporter, and one in another thread, say what they have to say."""
    provider = LoggerProvider(shutdown_on_exit=False)
    exporter = OTLPLogExporter(f"http://127.0.0.1:{free_port()}/v1/logs", timeout=0.5)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))

    def export() -> bool:
        thread = threading.Thread(target=logging.getLogger(HTTP_LOGGER).error, args=("elsewhere",))
        thread.start()
        thread.join()
        logging.getLogger(HTTP_LOGGER).error("ours")
        return False

    watch.export(export, 1)
    provider.get_logger("application").emit(body="hello")
    provider.shutdown()
    lines = [(record.name, record.getMessage()) for record in caplog.records]
    assert (HTTP_LOGGER, "elsewhere") in lines
    assert (HTTP_LOGGER, "ours") not in lines
    assert any(name == HTTP_LOGGER and "Failed to export logs batch" in line for name, line in lines)


def test_two_trackers_tell_of_their_own_exporter_only(caplog: pytest.LogCaptureFixture) -> None:
    with WebServer(401) as refusing, WebServer(500) as failing:
        trackers = [
            otel_events.configure(pipeline="sdk", event_types=[Ping], endpoint=server.endpoint, environ={})
            for server in (refusing, failing)
        ]
        for tracker in trackers:
            tracker.track(Ping())
        for tracker in trackers:
            assert tracker.shutdown(10.0) == Outcome(0, 0, 1)
    assert ["(401)" in line for line in warnings_in(caplog)].count(True) == 1
    assert ["(500 " in line for line in warnings_in(caplog)].count(True) == 1
    assert len(warnings_in(caplog)) == 2


def test_a_record_the_exporter_cannot_encode_is_lost_and_told(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    exporter = WatchedLogExporter(OTLPLogExporter("http://127.0.0.1:9/v1/logs"), watch)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("test").emit(body="\ud800")
    assert (watch.sent, watch.lost) == (0, 1)
    [line] = warnings_in(caplog)
    assert "Failed to encode logs batch" in line
    provider.shutdown()


def test_a_closed_watch_leaves_nothing_behind(watch: Watch) -> None:
    assert filters() == [watch]
    watch.close()
    watch.close()
    assert filters() == []


def test_a_watch_that_is_closed_during_an_export_stays_until_its_end(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    def export() -> bool:
        watch.close()
        assert filters() == [watch]
        logging.getLogger(HTTP_LOGGER).error("Failed to export logs batch due to timeout, max retries or shutdown.")
        return False

    watch.export(export, 1)
    assert filters() == []
    assert all(record.name == "otel_events" for record in caplog.records)


def test_a_closed_watch_exports_no_more(watch: Watch) -> None:
    class Exporter(LogRecordExporter):
        def export(self, batch: object) -> LogRecordExportResult:
            raise AssertionError("it is asked to export after its shutdown")

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

        def shutdown(self) -> None:
            pass

    watch.close()
    batch: list[ReadableLogRecord] = []
    assert WatchedLogExporter(Exporter(), watch).export(batch) is LogRecordExportResult.FAILURE
    assert not watch.export(lambda: True, 5)
    assert (watch.sent, watch.lost) == (0, 5)


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
def test_a_shutdown_in_the_middle_of_an_export_leaves_the_logs_quiet(
    caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    with silent_server() as port:
        tracker = otel_events.configure(
            pipeline="sdk",
            event_types=[Ping],
            endpoint=f"http://127.0.0.1:{port}",
            protocol=protocol,
            timeout_seconds=1.5,
            environ={},
        )
        # A provider starts its thread when it is made, and other tests may have left theirs to end on their own.
        others = set(threading.enumerate())
        tracker.track(Ping())
        [thread] = [one for one in set(threading.enumerate()) - others if one.name.startswith("OtelBatch")]
        assert tracker.shutdown(0.5) == Outcome(0, 0, 1)
        thread.join(15.0)
    assert {record.name for record in caplog.records} <= {"otel_events"}
    assert len(warnings_in(caplog)) <= 1
