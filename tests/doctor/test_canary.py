"""The canary goes the application's way on providers of its own, and what the collector answers is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from otel_events.conversion.record import to_log_record
from otel_events.doctor.canary import Canary, send_canary
from otel_events.doctor.check import TO_COLLECTOR, Mark
from otel_events.receiver import Receiver
from otel_events.settings import resolve
from tests.backends.wait import wait_until
from tests.sdk.support import GRPC, HTTP, WebServer, free_port, protocols, run_script, silent_server


def endpoint_of(receiver: Receiver, protocol: str = HTTP) -> str:
    return f"http://127.0.0.1:{receiver.http_port if protocol == HTTP else receiver.grpc_port}"


@protocols
def test_it_arrives_on_both_signals_in_one_span(receiver: Receiver, protocol: str) -> None:
    settings = resolve(
        {"signals": "logs,traces", "endpoint": endpoint_of(receiver, protocol), "protocol": protocol}, {}
    )
    checks, flight = send_canary(settings, settings.signals)
    assert [check.mark for check in checks] == [Mark.OK, Mark.OK]
    assert checks[0].seen.startswith(f"{settings.logs.shown_endpoint} accepts the log record (")
    assert checks[1].seen.startswith(f"{settings.traces.shown_endpoint} accepts the span with its event (")
    assert flight.accepted == ("logs", "traces")
    [event] = receiver.store.events()
    assert (event.name, event.body) == (flight.name, flight.body)
    assert (event.trace_id, event.span_id) == (flight.trace_id, flight.span_id)
    attributes = dict(event.attributes)
    assert attributes.pop("log.record.uid")
    assert attributes == flight.attributes
    assert receiver.stats().merged == 1


def test_without_traces_its_log_record_is_in_a_span_all_the_same(receiver: Receiver) -> None:
    settings = resolve({"endpoint": endpoint_of(receiver)}, {})
    _, flight = send_canary(settings, ("logs",))
    [event] = receiver.store.events()
    assert (event.trace_id, event.span_id) == (flight.trace_id, flight.span_id)
    assert int(flight.trace_id, 16) > 0
    assert flight.accepted == ("logs",)


@pytest.mark.parametrize("arguments", [{"include": "order-*"}, {"exclude": "*"}])
def test_what_the_application_leaves_out_does_not_hold_for_it(receiver: Receiver, arguments: dict[str, str]) -> None:
    settings = resolve({"endpoint": endpoint_of(receiver), **arguments}, {})
    [check], _ = send_canary(settings, ("logs",))
    assert check.mark is Mark.OK
    assert receiver.store.count() == 1


@pytest.mark.parametrize("actor", ["full", "id", "pseudonym", "none"])
def test_what_is_private_to_the_application_is_to_it_as_well(receiver: Receiver, actor: str) -> None:
    settings = resolve({"endpoint": endpoint_of(receiver), "actor": actor, "pseudonym_key": "k" * 16}, {})
    _, flight = send_canary(settings, ("logs",))
    [event] = receiver.store.events()
    assert {key: value for key, value in event.attributes.items() if key != "log.record.uid"} == flight.attributes
    assert ("user.id" in flight.attributes) == (actor in ("full", "id"))


def test_providers_of_the_application_are_not_used(receiver: Receiver) -> None:
    done = run_script(
        """
        from opentelemetry import _logs, trace
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
        from opentelemetry.sdk.trace import TracerProvider
        from otel_events.doctor.canary import send_canary
        from otel_events.settings import resolve
        logs, provider = InMemoryLogRecordExporter(), LoggerProvider()
        provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
        _logs.set_logger_provider(provider)
        trace.set_tracer_provider(TracerProvider())
        settings = resolve({"signals": "logs,traces", "endpoint": sys.argv[1]})
        checks, flight = send_canary(settings, settings.signals)
        print(flight.accepted, len(logs.get_finished_logs()))
        """,
        endpoint_of(receiver),
    )
    assert done.stdout == "('logs', 'traces') 0\n", done.stderr
    assert receiver.store.count() == 1


def test_a_sampler_that_leaves_it_out_is_named(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    settings = resolve({"signals": "logs,traces", "endpoint": endpoint_of(receiver)}, {})
    (logs, traces), flight = send_canary(settings, settings.signals)
    assert logs.mark is Mark.OK
    assert traces.mark is Mark.FAIL
    assert traces.change == "Look at OTEL_TRACES_SAMPLER."
    assert flight.accepted == ("logs",)


@protocols
def test_what_goes_wrong_is_explained(protocol: str) -> None:
    settings = resolve({"endpoint": f"http://127.0.0.1:{free_port()}", "protocol": protocol}, {})
    began = time.monotonic()
    [check], flight = send_canary(settings, ("logs",))
    # Not after all retries of the exporter, which take up to ten seconds.
    assert time.monotonic() - began < 8.0
    assert (check.mark, check.hop) == (Mark.FAIL, TO_COLLECTOR)
    assert check.seen == "lost between the application and the collector: nothing listens there"
    assert check.change.startswith("Start a collector")
    assert flight.accepted == ()


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
def test_a_server_that_never_answers_is_not_waited_for_long(protocol: str) -> None:
    with silent_server() as port:
        settings = resolve({"endpoint": f"http://127.0.0.1:{port}", "protocol": protocol, "timeout_seconds": 1.0}, {})
        began = time.monotonic()
        [check], _ = send_canary(settings, ("logs",))
        assert time.monotonic() - began < 6.0
    assert check.seen == "lost between the application and the collector: no answer within 1 s"


def test_what_a_retry_mends_is_fine() -> None:
    with WebServer(200) as server:
        server.first = [503]
        [check], _ = send_canary(resolve({"endpoint": server.endpoint}, {}), ("logs",))
    assert check.mark is Mark.OK


def test_a_server_that_rejects_it(tmp_path: Path) -> None:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0, max_records=1) as receiver:
        settings = resolve({"signals": "traces", "endpoint": endpoint_of(receiver)}, {})
        [check], flight = send_canary(settings, ("traces",))
    assert check.mark is Mark.FAIL
    assert "the server rejects some of what it is sent (" in check.seen
    assert flight.accepted == ()


def test_on_no_signal_nothing_is_sent() -> None:
    checks, flight = send_canary(resolve({}, {}), ())
    assert checks == []
    assert flight.accepted == ()


def test_it_leaves_no_threads_behind(receiver: Receiver) -> None:
    others = set(threading.enumerate())
    settings = resolve({"signals": "logs,traces", "endpoint": endpoint_of(receiver)}, {})
    send_canary(settings, settings.signals)
    ours = ("otel-events-worker", "OtelBatch")
    wait_until(lambda: not [one for one in set(threading.enumerate()) - others if one.name.startswith(ours)])


def test_it_is_an_event_like_others() -> None:
    record = to_log_record(Canary(actor="x", canary="c0ffee"))
    assert record.event_name == "otel-events.doctor"
    assert record.body == "canary c0ffee of otel-events doctor"
    assert record.attributes["otel_events.doctor.number"] == 42
    assert record.attributes["otel_events.doctor.alive"] is True
