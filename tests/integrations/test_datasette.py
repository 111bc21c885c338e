"""The Datasette plugin is on where something says where events should go, is set as Datasette is, and says so where it is not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from datasette.events import LogoutEvent
from datasette.plugins import pm

from otel_events import application
from otel_events.integrations import datasette as plugin
from otel_events.listener import OTelListener
from otel_events.receiver import Receiver
from otel_events.settings import OWN, Settings
from tests.integrations.datasette_host import endpoint, get, is_on, received, started, told

pytestmark = pytest.mark.usefixtures("datasette_plugins")


def test_its_hooks_are_datasettes() -> None:
    callers = pm.get_hookcallers(plugin) or []
    assert {caller.name for caller in callers} == {"startup", "track_event", "asgi_wrapper", "forbidden", "shutdown"}
    assert all(caller.has_spec() for caller in callers)


@pytest.mark.asyncio
async def test_without_settings_it_is_off_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "otel_events")
    datasette = await started()
    for _ in range(2):
        assert (await get(datasette, "/-/report")).text == "made"
    assert (await get(datasette, "/-/permissions")).status_code == 403
    await datasette.invoke_shutdown()
    [line] = [record for record in caplog.records if record.name == "otel_events"]
    assert line.levelno == logging.INFO
    assert "off: set OTEL_EXPORTER_OTLP_ENDPOINT" in line.getMessage()
    assert not is_on(datasette)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "variable",
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
)
async def test_an_endpoint_in_the_environment_turns_it_on(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, " ")
    assert not is_on(await started())
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert is_on(await started())


@pytest.mark.asyncio
@pytest.mark.parametrize(("signals", "on"), [("logs", False), ("traces", True), ("logs,traces", True)])
async def test_a_global_provider_turns_it_on_for_its_signal(
    signals: str, on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "signals", lambda: frozenset({"traces"}))
    monkeypatch.setenv("OTEL_EVENTS_SIGNALS", signals)
    assert is_on(await started()) is on


@pytest.mark.asyncio
async def test_the_sdks_own_switch_turns_it_off(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "otel_events")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not is_on(await started({"endpoint": "http://127.0.0.1:1"}))
    assert told(caplog, logging.INFO) == ["otel-events is off: OTEL_SDK_DISABLED is true."]


@pytest.mark.asyncio
async def test_the_configuration_wins_over_the_environment(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from the environment")
    monkeypatch.setenv("WHERE", endpoint(receiver))
    datasette = await started({"endpoint": {"$env": "WHERE"}, "service_name": "from the configuration"})
    await get(datasette, "/-/report")
    events = await received(datasette, receiver)
    assert [event.name for event in events] == ["report-made", "report-failed", "logout"]
    assert {event.service for event in events} == {"from the configuration"}


@pytest.mark.asyncio
async def test_every_setting_is_a_key_of_the_configuration(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pem = tmp_path / "some.pem"
    pem.write_text("a file")
    headers = tmp_path / "headers"
    headers.write_text("authorization=Bearer%20y")
    own: dict[str, Any] = {
        "signals": ["logs", "traces"],
        "pipeline": "sdk",
        "delivery": "memory",
        "on_failure": "open",
        "journal": "/var/lib/otel-events",
        "journal_bytes": 1000,
        "confirm_seconds": 0.5,
        "queue_bytes": 1_000_000,
        "when_full": "drop_oldest",
        "include": ["*-row*", "log*"],
        "exclude": "update-row",
        "namespace": "shop",
        "actor": "pseudonym",
        "personal": "drop",
        "pseudonym_key": "0123456789abcdef",
        "keep_keys": "token_kind",
        "headers_file": str(headers),
    }
    assert own.keys() == OWN.keys()
    otlp = {
        "endpoint": "https://collector.example:4318",
        "protocol": "http/protobuf",
        "headers": {"authorization": "Bearer x"},
        "insecure": False,
        "certificate": str(pem),
        "client_key": str(pem),
        "client_certificate": str(pem),
        "compression": "gzip",
        "timeout_seconds": 3,
        "service_name": "the-shop",
        "resource_attributes": {"deployment.environment.name": "test"},
    }
    assert is_on(await started({**own, **otlp}))
    assert told(caplog, logging.ERROR) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"endpont": "http://127.0.0.1:1"}, "Did you mean endpoint?"),
        ({"endpoint": "collector:4318"}, "'collector:4318' is not a URL such as http://localhost:4318"),
        ({"endpoint": {"$env": "NOT_SET_ANYWHERE"}}, "has the key endpoint without a value"),
        ({"headers": {"authorization": {"$env": "NOT_SET_ANYWHERE"}}}, "argument headers: the value given (not shown)"),
        ({"pseudonym_key": "a short one"}, "argument pseudonym_key: the value given (not shown)"),
        ("http://127.0.0.1:1", "is of type str. Expected keys and values"),
    ],
)
async def test_a_bad_setting_is_told_once_and_datasette_works(
    config: object, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    datasette = await started(config)
    for _ in range(2):
        assert (await get(datasette, "/-/report")).text == "made"
    [line] = told(caplog, logging.ERROR)
    assert line.startswith("otel-events is off, and Datasette runs without it: ")
    assert text in line
    assert "under plugins: otel-events:" in line or "plugins: otel-events: in Datasette's configuration" in line
    assert "a short one" not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.asyncio
async def test_a_bad_variable_is_told_once_and_datasette_works(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EVENTS_SIGNALS", "smoke")
    datasette = await started()
    assert (await get(datasette, "/-/report")).text == "made"
    assert told(caplog, logging.ERROR) == [
        "otel-events is off, and Datasette runs without it: OTEL_EVENTS_SIGNALS: 'smoke' is not logs, traces, or logs,traces"
    ]


def test_a_datasette_without_events_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Datasette065:
        """Has none of what the plugin asks newer ones for."""

    old = Datasette065()
    plugin.startup(old)
    next(plugin.forbidden(old, None, "view-instance"))
    assert plugin.shutdown(old) is None
    assert told(caplog, logging.ERROR) == [
        "otel-events is off, and Datasette runs without it: it needs Datasette 1.0a41 or newer."
    ]


@pytest.mark.asyncio
async def test_what_else_goes_wrong_at_the_start_keeps_datasette_from_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: Settings) -> OTelListener:
        raise ImportError("no SDK")

    monkeypatch.setattr(plugin, "make_listener", broken)
    datasette = await started({"endpoint": "http://127.0.0.1:1"})
    assert (await get(datasette, "/-/report")).text == "made"
    assert told(caplog, logging.ERROR) == ["otel-events is off, and Datasette runs without it:"]
    assert "ImportError: no SDK" in caplog.text


@pytest.mark.asyncio
async def test_instances_in_one_process_are_independent(receiver: Receiver) -> None:
    one = await started({"endpoint": endpoint(receiver), "service_name": "one"})
    off = await started()
    two = await started({"endpoint": endpoint(receiver), "service_name": "two", "exclude": "report-*"})
    for datasette in (one, off, two):
        await get(datasette, "/-/report")
    await one.invoke_shutdown()
    await off.invoke_shutdown()
    await get(two, "/-/report")
    events = await received(two, receiver)
    assert [(event.service, event.name) for event in events] == [
        ("one", "report-made"),
        ("one", "report-failed"),
        ("one", "logout"),
        ("two", "logout"),
        ("two", "logout"),
    ]


@pytest.mark.asyncio
async def test_the_service_is_datasette_unless_it_is_named(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    await (unnamed := await started({"endpoint": endpoint(receiver)})).track_event(LogoutEvent(actor=None))
    await unnamed.invoke_shutdown()
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=in the attributes")
    await (named := await started({"endpoint": endpoint(receiver)})).track_event(LogoutEvent(actor=None))
    assert [event.service for event in await received(named, receiver)] == ["datasette", "in the attributes"]
