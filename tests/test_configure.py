"""configure() puts a tracker together from arguments and environment, sets nothing global, and refuses what cannot work."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import opentelemetry._logs
import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_events
from otel_events import Event, EventDefinitionError, Outcome, Personal, PluginError, SettingsError, hookimpl, semconv
from otel_events.receiver import Receiver
from otel_events.settings import OWN, RESOURCE_ARGUMENTS, resolve
from otel_events.settings.otlp import OTLP_ARGUMENTS
from tests.backends.servers import Collector


@dataclass
class OrderPlaced(Event):
    name = "order-placed"
    order_id: str = "o-1"


class Recorder:
    def __init__(self) -> None:
        self.events: list[Any] = []

    @hookimpl
    def track_event(self, event: Any) -> None:
        self.events.append(event)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver:
        yield receiver


def http(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.http_port}"


def grpc(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.grpc_port}"


@pytest.mark.parametrize("signals", ["logs", "traces", "logs,traces"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("source", ["arguments", "environment"])
def test_events_arrive_as_arguments_or_environment_say(
    receiver: Receiver, signals: str, protocol: str, source: str
) -> None:
    endpoint = grpc(receiver) if protocol == "grpc" else http(receiver)
    if source == "arguments":
        tracker = otel_events.configure(
            event_types=[OrderPlaced],
            endpoint=endpoint,
            protocol=protocol,
            signals=signals,
            service_name="shop",
            resource_attributes={"team": "a"},
            namespace="shop",
            environ={},
        )
    else:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EVENTS_SIGNALS": signals,
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_RESOURCE_ATTRIBUTES": "team=a",
            "OTEL_EVENTS_NAMESPACE": "shop",
        }
        tracker = otel_events.configure(event_types=[OrderPlaced], environ=environ)
    tracker.track(OrderPlaced(actor="alice"))
    outcome = tracker.shutdown(10.0)
    assert (outcome.sent, outcome.lost) == (1, 0)
    [event] = receiver.store.events()
    assert (event.name, event.actor, event.service) == ("order-placed", "alice", "shop")
    assert event.resource["team"] == "a"
    assert event.attributes["shop.order_id"] == "o-1"
    assert event.signal == ("span_event" if signals == "traces" else "log")
    assert (event.trace_id is not None) == ("traces" in signals)


def test_nothing_global_is_set_and_a_second_call_makes_a_second_tracker(receiver: Receiver) -> None:
    before = (opentelemetry._logs.get_logger_provider(), trace.get_tracer_provider())
    one = otel_events.configure(event_types=[OrderPlaced], endpoint=http(receiver), signals="logs,traces")
    two = otel_events.configure(event_types=[OrderPlaced], endpoint=http(receiver), signals="logs,traces")
    one.track(OrderPlaced())
    two.track(OrderPlaced())
    one.shutdown()
    two.track(OrderPlaced())
    two.shutdown()
    assert (opentelemetry._logs.get_logger_provider(), trace.get_tracer_provider()) == before
    assert sum(event.name == "order-placed" for event in receiver.store.events()) == 3


def test_an_application_may_give_its_own_providers() -> None:
    log_exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    span_exporter = InMemorySpanExporter()
    logger_provider = LoggerProvider(shutdown_on_exit=False)
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(log_exporter))
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(SimpleSpanProcessor(span_exporter))
    tracker = otel_events.configure(
        event_types=[OrderPlaced],
        logger_provider=logger_provider,
        tracer_provider=tracer_provider,
        signals="logs,traces",
        environ={},
    )
    tracker.track(OrderPlaced())
    assert tracker.shutdown() == Outcome(None, None, None)
    [record] = log_exporter.get_finished_logs()
    [span] = span_exporter.get_finished_spans()
    assert (record.log_record.event_name, span.name) == ("order-placed", "order-placed")


@dataclass
class Paid(Event):
    name = "paid"
    delivery = "journal"


@pytest.fixture
def application_exporter(monkeypatch: pytest.MonkeyPatch) -> InMemoryLogRecordExporter:
    """Have an application with a LoggerProvider of its own, and give what that exports."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=Resource({"service.name": "the application"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(opentelemetry._logs, "get_logger_provider", lambda: provider)
    return exporter


def exported(exporter: InMemoryLogRecordExporter) -> list[str | None]:
    return [one.log_record.event_name for one in exporter.get_finished_logs()]


def arrived(collector: Collector, service: str) -> list[str]:
    """Return the names of a service's log records, without checkpoints."""
    names = [one.event_name for one in collector.log_records(service)]
    return [name for name in names if name != semconv.CHECKPOINT]


@pytest.mark.parametrize(
    ("signals", "pipeline", "taken"),
    [
        ("logs", "auto", "direct"),
        ("logs,traces", "auto", "direct"),
        ("traces", "auto", "sdk"),
        ("logs", "sdk", "sdk"),
        ("logs", "direct", "direct"),
    ],
)
def test_log_records_of_an_application_without_a_provider_go_direct(
    own_collector: Collector, signals: str, pipeline: str, taken: str
) -> None:
    tracker = otel_events.configure(
        event_types=[OrderPlaced],
        endpoint=own_collector.http_endpoint,
        signals=signals,
        pipeline=pipeline,
        service_name="plain",
        environ={},
    )
    tracker.track(OrderPlaced())
    assert ("logs.last_answer" in tracker.stats()["otel"]) == (taken == "direct")
    assert tracker.shutdown(10.0).sent == 1
    assert arrived(own_collector, "plain") == (["order-placed"] if "logs" in signals else [])
    assert len(own_collector.spans("plain")) == ("traces" in signals)


@pytest.mark.parametrize("delivery", ["memory", "journal", "confirmed"])
def test_beside_an_applications_provider_only_durable_events_go_direct(
    own_collector: Collector, application_exporter: InMemoryLogRecordExporter, tmp_path: Path, delivery: str
) -> None:
    tracker = otel_events.configure(
        event_types=[OrderPlaced, Paid],
        endpoint=own_collector.http_endpoint,
        delivery=delivery,
        journal=tmp_path / "journal",
        environ={},
    )
    tracker.track(OrderPlaced())
    tracker.track(Paid())
    outcome = tracker.shutdown(10.0)
    direct = ["paid"] if delivery == "memory" else ["order-placed", "paid"]
    # Under the resource that the application has.
    assert arrived(own_collector, "the application") == direct
    assert exported(application_exporter) == [name for name in ("order-placed", "paid") if name not in direct]
    # What the application's own SDK has done with an event it does not tell.
    assert (outcome.sent, outcome.lost) == ((None, None) if delivery == "memory" else (2, 0))


def test_the_choice_is_made_at_the_first_event(own_collector: Collector, request: pytest.FixtureRequest) -> None:
    tracker = otel_events.configure(event_types=[OrderPlaced], endpoint=own_collector.http_endpoint, environ={})
    exporter: InMemoryLogRecordExporter = request.getfixturevalue("application_exporter")
    tracker.track(OrderPlaced())
    tracker.shutdown(10.0)
    assert exported(exporter) == ["order-placed"]


def test_durable_events_are_span_events_as_well_where_traces_are_asked_for(
    own_collector: Collector, application_exporter: InMemoryLogRecordExporter, tmp_path: Path
) -> None:
    tracker = otel_events.configure(
        event_types=[OrderPlaced, Paid],
        endpoint=own_collector.http_endpoint,
        signals="logs,traces",
        journal=tmp_path / "journal",
        environ={},
    )
    tracker.track(OrderPlaced())
    tracker.track(Paid())
    tracker.shutdown(10.0)
    assert exported(application_exporter) == ["order-placed"]
    assert arrived(own_collector, "the application") == ["paid"]
    assert sorted(span.name for span in own_collector.spans()) == ["order-placed", "paid"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"delivery": "journal", "pipeline": "sdk"},
        {"delivery": "confirmed", "pipeline": "sdk"},
        {"delivery": "journal", "signals": "traces"},
    ],
)
def test_what_cannot_be_durable_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="delivery"):
        otel_events.configure(environ={}, **arguments)
    tracker = otel_events.configure(environ={}, **{**arguments, "delivery": "memory"})
    with pytest.raises(EventDefinitionError, match=r"Paid\.delivery is 'journal', which needs log records"):
        tracker.register_event_types([Paid])
    tracker.register_event_types([OrderPlaced])


def test_a_disabled_sdk_has_no_listener_and_other_plugins_go_on() -> None:
    recorder = Recorder()
    tracker = otel_events.configure(
        event_types=[OrderPlaced], plugins=[recorder], environ={"OTEL_SDK_DISABLED": "true"}
    )
    tracker.track(OrderPlaced())
    assert len(recorder.events) == 1
    assert tracker.stats() == {"tracked": 1, "hook_failures": {}}
    assert tracker.shutdown() == Outcome(0, 0, 0)


def test_the_listener_is_the_plugin_otel_and_counts_under_that_name(receiver: Receiver) -> None:
    tracker = otel_events.configure(event_types=[OrderPlaced], endpoint=http(receiver), exclude="login")
    tracker.track(OrderPlaced())
    assert tracker.flush().sent == 1
    assert tracker.stats()["otel"]["accepted"] == 1
    tracker.shutdown()


def test_plugins_and_on_error_are_handed_on() -> None:
    class Raising:
        @hookimpl
        def track_event(self, event: Any) -> None:
            raise ValueError

    handed: list[Any] = []
    recorder = Recorder()
    tracker = otel_events.configure(
        event_types=[OrderPlaced],
        plugins=[recorder, Raising()],
        on_error=lambda error, event: handed.append((type(error), event)),
        environ={"OTEL_SDK_DISABLED": "true"},
    )
    event = OrderPlaced()
    tracker.track(event)
    assert recorder.events == [event]
    assert handed == [(ValueError, event)]


def test_entry_points_are_loaded_only_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "audit-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: audit\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[otel_events]\naudit = no_such_module_of_audit\n")
    monkeypatch.syspath_prepend(tmp_path)
    environ = {"OTEL_SDK_DISABLED": "true"}
    otel_events.configure(environ=environ)
    with pytest.raises(PluginError, match="plugin 'audit' of audit"):
        otel_events.configure(environ=environ, load_entrypoints=True)


def test_bad_settings_are_refused_before_anything_is_made() -> None:
    with pytest.raises(SettingsError, match="argument signals: 'metrics' is not logs, traces, or logs,traces"):
        otel_events.configure(signals="metrics", environ={})
    with pytest.raises(SettingsError, match="OTEL_EVENTS_SIGNAL is set"):
        otel_events.configure(environ={"OTEL_EVENTS_SIGNAL": "logs"})


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EVENTS_PIPELINE", "quick")
    with pytest.raises(SettingsError, match="OTEL_EVENTS_PIPELINE: 'quick' is not auto, sdk or direct"):
        otel_events.configure()


@dataclass
class Visited(Event):
    name = "visited"
    visitor: Annotated[str, Personal("pseudonym")] = "alice"


def test_a_class_with_pseudonyms_needs_a_key() -> None:
    environ = {"OTEL_SDK_DISABLED": "true"}
    with pytest.raises(EventDefinitionError) as refused:
        otel_events.configure(event_types=[Visited], environ=environ)
    assert str(refused.value) == (
        f"{Visited.__module__}.Visited.visitor is to be a pseudonym, but there is no key. "
        "Set OTEL_EVENTS_PSEUDONYM_KEY or pseudonym_key=."
    )
    tracker = otel_events.configure(environ=environ)
    with pytest.raises(EventDefinitionError, match="there is no key"):
        tracker.register_event_types([Visited])
    otel_events.configure(event_types=[Visited], pseudonym_key="sixteen bytes at least", environ=environ)


def test_every_setting_is_an_argument_and_none_else_is() -> None:
    parameters = set(inspect.signature(otel_events.configure).parameters)
    others = {"event_types", "plugins", "load_entrypoints", "logger_provider", "tracer_provider", "on_error", "environ"}
    assert parameters == {*OWN, *OTLP_ARGUMENTS, *RESOURCE_ARGUMENTS, *others}


def test_every_argument_reaches_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def note(arguments: Any, environ: Any) -> Any:
        seen.update(arguments)
        return resolve({}, {"OTEL_SDK_DISABLED": "true"})

    monkeypatch.setattr("otel_events.settings.resolve", note)
    names = (*OWN, *OTLP_ARGUMENTS, *RESOURCE_ARGUMENTS)
    otel_events.configure(**{name: f"<{name}>" for name in names})  # type: ignore[arg-type]
    assert seen == {name: f"<{name}>" for name in names}
