"""A real Datasette in use: each of its events arrives, with its actor and every field, in the real Collector and behind it."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from datasette import events as datasette_events

from otel_events import semconv
from otel_events.integrations.datasette_day import USER_AGENT, day_of_use, run_datasette
from tests.backends.records import LogRecord
from tests.backends.servers import Collector, Jaeger, VictoriaLogs
from tests.backends.wait import wait_until

SCHEMA: Final = 'CREATE TABLE "{}" (\n   "id" INTEGER PRIMARY KEY,\n   "item" TEXT,\n   "total" REAL\n{})'
CREATED, ALTERED = SCHEMA.format("orders", ""), SCHEMA.format("orders", ', "note" TEXT')
RENAMED = SCHEMA.format("orders_archive", ', "note" TEXT')
ACTIONS: Final = {
    "view-instance": "vi",
    "view-database": "vd",
    "view-table": "vt",
    "create-table": "ct",
    "insert-row": "ir",
    "update-row": "ur",
    "alter-table": "at",
    "delete-row": "dr",
    "drop-table": "dt",
}
NOBODY: Final[dict[str, Any]] = {}
ROOT: Final = {"user.id": "root"}
SCRIPT: Final = {
    **ROOT,
    "actor.token": "dstok",
    "actor._r.a": list(ACTIONS.values()),
    "actor._r.d.shop": ["es"],
    "actor._r.r.shop.customers": ["vt"],
}
"""The actor of the API token; beside these it has ``actor.token_expires``."""


class Expected(NamedTuple):
    name: str
    actor: Mapping[str, Any]
    request: str
    fields: Mapping[str, Any]

    @property
    def attributes(self) -> dict[str, Any]:
        """All attributes but the uid and when the token expires, which differ from day to day."""
        method, path = self.request.split(" ")
        own = {f"datasette.{name}": value for name, value in self.fields.items() if not name.startswith("event.")}
        return {
            **self.actor,
            "client.address": "127.0.0.1",
            "user_agent.original": USER_AGENT,
            "http.request.method": method,
            "url.path": path,
            "event.outcome": "success",
            **own,
            **{name: value for name, value in self.fields.items() if name.startswith("event.")},
        }


ORDERS: Final = {"database": "shop", "table": "orders"}
ARCHIVE: Final = {"database": "shop", "table": "orders_archive"}
NO_SECOND_TOKEN: Final = "Token authentication cannot be used to create additional tokens"

DAY: Final = (
    Expected(
        "login-failed",
        NOBODY,
        "GET /-/auth-token",
        {"event.reason": "Invalid token", "event.outcome": "failure"},
    ),
    Expected("login", ROOT, "GET /-/auth-token", {}),
    Expected(
        "create-token",
        ROOT,
        "POST /-/create-token",
        {
            "expires_after": 8 * 3600,
            "restrict_all": list(ACTIONS),
            "restrict_database.shop": ["execute-sql"],
            "restrict_resource.shop.customers": ["view-table"],
        },
    ),
    Expected("create-table", SCRIPT, "POST /shop/-/create", {**ORDERS, "schema": CREATED}),
    Expected(
        "insert-rows",
        SCRIPT,
        "POST /shop/orders/-/insert",
        {**ORDERS, "num_rows": 3, "ignore": True, "replace": False},
    ),
    Expected("upsert-rows", SCRIPT, "POST /shop/orders/-/upsert", {**ORDERS, "num_rows": 2}),
    Expected("update-row", SCRIPT, "POST /shop/orders/1/-/update", {**ORDERS, "pks": ["1"]}),
    Expected(
        "alter-table",
        SCRIPT,
        "POST /shop/orders/-/alter",
        {**ORDERS, "before_schema": CREATED, "after_schema": ALTERED},
    ),
    Expected(
        "rename-table",
        SCRIPT,
        "POST /shop/orders/-/alter",
        {"database": "shop", "old_table": "orders", "new_table": "orders_archive"},
    ),
    Expected(
        "alter-table",
        SCRIPT,
        "POST /shop/orders/-/alter",
        {**ARCHIVE, "before_schema": ALTERED, "after_schema": RENAMED},
    ),
    Expected("delete-row", SCRIPT, "POST /shop/orders_archive/2/-/delete", {**ARCHIVE, "pks": ["2"]}),
    Expected(
        "permission-denied",
        SCRIPT,
        "GET /-/create-token",
        {"resource": "/-/create-token", "event.reason": NO_SECOND_TOKEN, "event.outcome": "failure"},
    ),
    Expected("drop-table", SCRIPT, "POST /shop/orders_archive/-/drop", ARCHIVE),
    Expected("logout", ROOT, "POST /-/logout", {}),
)
VARYING: Final = frozenset({"log.record.uid", "actor.token_expires"})


class Day(NamedTuple):
    service: str
    log: str
    sign_in_token: str
    returncode: int


@pytest.fixture(scope="module", params=["http/protobuf", "grpc"])
def day(request: pytest.FixtureRequest, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Use a Datasette for a day, at whose end it is stopped as a service manager stops it, with SIGTERM."""
    service = f"datasette-{uuid.uuid4()}"
    endpoint = collector.grpc_endpoint if request.param == "grpc" else collector.http_endpoint
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": request.param,
        "OTEL_EVENTS_SIGNALS": "logs,traces",
        "OTEL_SERVICE_NAME": service,
    }
    with run_datasette(tmp_path_factory.mktemp("datasette"), settings) as datasette:
        assert len(list(day_of_use(datasette))) == 13
    token = datasette.sign_in_url.partition("token=")[2]
    return Day(service, datasette.log(), token, datasette.process.returncode)


def test_the_day_has_every_event_of_datasette_with_every_field() -> None:
    expected = {one.name: {name.partition(".")[0] for name in one.fields} for one in DAY}
    derived = {"login-failed", "permission-denied"}
    of_datasette = {
        cls.name: {field.name for field in dataclasses.fields(cls)} - {"actor", "created"}
        for cls in datasette_events.register_events()
    }
    assert len(of_datasette) == 11
    assert of_datasette == {name: fields for name, fields in expected.items() if name not in derived}


def test_each_is_a_log_record_in_the_collector(day: Day, collector: Collector) -> None:
    # Datasette has ended: what it had still to send, it sent at its shutdown.
    records = events_of(collector, day.service)
    assert [record.event_name for record in records] == [one.name for one in DAY]
    for record, one in zip(records, DAY, strict=True):
        varying = {key: record.attributes.pop(key) for key in VARYING & record.attributes.keys()}
        assert record.attributes == one.attributes
        assert len(varying.pop("log.record.uid")) == 26
        assert varying.keys() == ({"actor.token_expires"} if one.actor is SCRIPT else set())
        assert 0 < record.time_unix_nano <= record.observed_time_unix_nano
        assert record.severity_text == ("WARN" if one.attributes["event.outcome"] == "failure" else "INFO")
        assert record.scope_name == "otel_events"
    bodies = {record.event_name: record.body for record in records}
    assert bodies["login-failed"] == "sign-in refused: Invalid token"
    assert bodies["update-row"] == 'update-row by root: database=shop table=orders pks=["1"]'
    assert bodies["permission-denied"] == f"root was refused /-/create-token: {NO_SECOND_TOKEN}"


def test_each_is_a_span_event_in_the_collector_with_the_uid_of_its_log_record(day: Day, collector: Collector) -> None:
    spans = collector.spans(day.service)
    assert [(span.name, [event.name for event in span.events]) for span in spans] == [
        (one.name, [one.name]) for one in DAY
    ]
    for span, record in zip(spans, events_of(collector, day.service), strict=True):
        assert span.events[0].attributes == record.attributes
        assert span.events[0].time_unix_nano == record.time_unix_nano


def test_each_is_found_in_victorialogs(day: Day, collector: Collector, victorialogs: VictoriaLogs) -> None:
    query = f'{{service.name="{day.service}"}}'
    wait_until(lambda: len(victorialogs.query(query)) >= len(DAY))
    uids = uids_of(events_of(collector, day.service))
    for uid, one in zip(uids, DAY, strict=True):
        [row] = victorialogs.query(f'{query} event_name:="{one.name}" "log.record.uid":="{uid}"')
        expected = {key: as_victorialogs_shows(value) for key, value in one.attributes.items()}
        assert {key: row.get(key) for key in expected} == expected
        assert row["_msg"]
    assert len(victorialogs.query(f'{query} "event.outcome":=failure "client.address":=127.0.0.1')) == 2
    [renamed] = victorialogs.query(f'{query} "datasette.new_table":=orders_archive')
    assert renamed["event_name"] == "rename-table"


def test_each_is_a_span_event_in_jaeger(day: Day, collector: Collector, jaeger: Jaeger) -> None:
    wait_until(lambda: len(jaeger.span_events(day.service)) >= len(DAY))
    by_uid = {event.attributes["log.record.uid"]: event for event in jaeger.span_events(day.service)}
    for uid, one in zip(uids_of(events_of(collector, day.service)), DAY, strict=True):
        event = by_uid.pop(uid)
        assert event.name == one.name
        shown = {key: value for key, value in event.attributes.items() if key not in VARYING}
        assert shown == {key: as_jaeger_shows(value) for key, value in one.attributes.items()}
    assert not by_uid


def test_no_token_leaves_datasette_and_nothing_is_complained_of(day: Day, collector: Collector) -> None:
    sent = collector.logs_file.read_text() + collector.traces_file.read_text()
    assert day.sign_in_token not in sent
    assert "dstok_" not in sent
    assert "token=" not in sent
    assert "otel" not in day.log
    assert "Traceback" not in day.log
    assert day.returncode == -15


PROVIDERS_PLUGIN: Final = """
import os

from datasette import hookimpl
from opentelemetry import _logs, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


@hookimpl
def startup(datasette):
    resource = Resource({"service.name": os.environ["APPLICATION"]})
    logs, traces = LoggerProvider(resource), TracerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(os.environ["COLLECTOR"] + "/v1/logs")))
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(os.environ["COLLECTOR"] + "/v1/traces")))
    _logs.set_logger_provider(logs)
    trace.set_tracer_provider(traces)
"""


def test_an_applications_own_providers_are_used_and_events_stand_in_datasettes_own_spans(
    collector: Collector, tmp_path: Path
) -> None:
    service = f"application-{uuid.uuid4()}"
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "providers.py").write_text(PROVIDERS_PLUGIN)
    settings = {"APPLICATION": service, "COLLECTOR": collector.http_endpoint, "OTEL_EVENTS_SIGNALS": "logs,traces"}
    with run_datasette(tmp_path, settings, ["--plugins-dir", str(plugins)]) as datasette:
        for _ in day_of_use(datasette):
            pass

    records, spans = events_of(collector, service), {span.span_id: span for span in collector.spans(service)}
    assert [record.event_name for record in records] == [one.name for one in DAY]
    for record, one in zip(records, DAY, strict=True):
        span = spans[record.span_id]
        assert span.trace_id == record.trace_id
        assert one.name in [event.name for event in span.events]
    [dropped] = [record for record in records if record.event_name == "drop-table"]
    span = spans[dropped.span_id]
    assert (span.scope_name, span.name.partition(" ")[0]) == ("datasette", "POST")
    assert span.attributes["http.response.status_code"] == 200
    assert [event.attributes for event in span.events if event.name == "drop-table"] == [dropped.attributes]


def events_of(collector: Collector, service: str) -> list[LogRecord]:
    """Return the log records of a service without its checkpoints."""
    return [record for record in collector.log_records(service) if record.event_name != semconv.CHECKPOINT]


def uids_of(records: list[LogRecord]) -> list[str]:
    uids = [record.attributes["log.record.uid"] for record in records]
    assert len(set(uids)) == len(DAY)
    return uids


def as_victorialogs_shows(value: Any) -> str:
    """Return a value as VictoriaLogs has it: all values are texts there."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def as_jaeger_shows(value: Any) -> Any:
    """Return a value as Jaeger has it: lists are JSON texts there."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value
