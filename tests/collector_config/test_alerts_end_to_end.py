"""From a tracked event to the webhook, on the real servers: each alert rule fires, ordinary use fires none."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from datasette.events import DropTableEvent

from otel_events import DropTable
from tests.backends.binaries import VICTORIALOGS
from tests.backends.fixtures import require_binary
from tests.backends.wait import wait_until
from tests.collector_config.alerting import ALERTMANAGER, DELIVERY_RULES, EVENT_RULES, LOG_RULES, rules_of
from tests.collector_config.chain import ALERT_SECONDS, Chain
from tests.collector_config.node import ROOT
from tests.collector_config.usage import EVENTS, Steady, bursts, ordinary_use
from tests.direct.faulty import HttpReply, HttpServer, status_body

# Rules on single events and bursts run as they are. Those on metrics compare with a day, and wait for minutes.
PARAMETERS: Mapping[Path, Mapping[str, str]] = {
    # A service is told to be silent from an hour after its last event until a day after it: a short day would leave the
    # alert hardly any time.
    EVENT_RULES: {"5m": "5s", "1h": "10s", "1d": "40s"},
    DELIVERY_RULES: {"1m": "2s", "5m": "12s", "10m": "12s", "1d": "30s", "300": "3", "1800": "8"},
    # With windows of seconds nothing would be left to tell of after the usual wait.
    ALERTMANAGER: {"10s": "1s", "1m": "2s"},
}

# Filled by what is tracked within some 15 s of an outage, and by no pause of a loaded machine: while the Collector refuses,
# silence is not told. Holds the largest request, 512 records: one that is larger than the queue would be refused for ever.
QUEUE_BYTES = 200_000
REFUSAL = HttpReply(400, {"content-type": "application/x-protobuf"}, status_body("no such record"))
EVALUATION_SECONDS = 90.0


@pytest.fixture(scope="module")
def chain(
    collector_binary: Path,
    prometheus_binary: Path,
    alertmanager_binary: Path,
    vmalert_binary: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Chain]:
    binaries = {
        "collector": collector_binary,
        "victorialogs": require_binary(VICTORIALOGS),
        "prometheus": prometheus_binary,
        "alertmanager": alertmanager_binary,
        "vmalert": vmalert_binary,
    }
    environment = {"QUEUE_BYTES": str(QUEUE_BYTES)}
    with Chain(binaries, tmp_path_factory.mktemp("alerts"), PARAMETERS, environment) as running:
        yield running


@pytest.fixture(scope="module")
def steady(chain: Chain) -> Iterator[Mapping[str, Steady]]:
    """Run applications that always have something to say."""
    running = {service: Steady(chain.application(service)) for service in ("quiet", "hasty", "ending")}
    yield running
    for one in running.values():
        one.stop()


@pytest.fixture(scope="module")
def quiet_day(chain: Chain, steady: Mapping[str, Steady]) -> None:
    """Use an application as people do: sometimes wrongly, always less than what a rule is about."""
    tracker = chain.application("quiet", EVENTS)
    ordinary_use(tracker)
    assert tracker.flush(timeout=10.0).pending == 0
    wait_until(lambda: chain.victorialogs.query('{service.name="quiet",event_name="logout"}'))
    visible = datetime.now(timezone.utc)
    # Until the rules that compare with the past have one to compare with.
    wait_until(lambda: chain.prometheus.query("service_event:otel_events:increase5m offset 45s"), EVALUATION_SECONDS)
    chain.wait_for_evaluation(visible, EVALUATION_SECONDS)


@pytest.fixture(scope="module")
def dropped_at(chain: Chain, quiet_day: None) -> float:
    """Track the first drop-table that there ever was, and give the time just before."""
    tracker = chain.application("shop")
    started = time.monotonic()
    tracker.track(DropTable(actor={"id": 'mallory "m"'}, database="main", table="orders & more"))
    return started


@pytest.fixture(scope="module")
def busy(chain: Chain, dropped_at: float, steady: Mapping[str, Steady]) -> Iterator[None]:
    """Do what each rule on events is about."""
    steady["ending"].stop()
    tracker = chain.application("shop", EVENTS)
    bursts(tracker)
    # What an outage held up, and what Datasette's own class says under its own namespace.
    before = datetime.now(timezone.utc) - timedelta(hours=20)
    tracker.track(DropTable(actor="late", created=before, database="main", table="orders"))
    chain.application("datasette", [DropTableEvent]).track(
        DropTableEvent(actor={"id": "root"}, database="data", table="dogs")
    )
    steady["hasty"].per_second = 50.0
    with subprocess.Popen(
        [sys.executable, "-m", "tests.collector_config.troubled"],
        cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as troubled, HttpServer() as refusing, socket.socket() as nobody:  # fmt: skip
        # A port that is taken, where nobody listens.
        nobody.bind(("127.0.0.1", 0))
        for server in (refusing, chain.second):
            server.default = REFUSAL
        options = {
            "service": "troubled",
            "collector": chain.node.http_endpoint,
            "nobody": f"http://127.0.0.1:{nobody.getsockname()[1]}",
            "refusing": refusing.endpoint,
        }
        assert troubled.stdin is not None
        troubled.stdin.write(json.dumps(options) + "\n")
        troubled.stdin.flush()
        yield


@pytest.fixture(scope="module")
def outage(chain: Chain, busy: None) -> None:
    """Take VictoriaLogs away from the Collector, while applications go on."""
    chain.victorialogs.stop()


def test_ordinary_use_fires_no_rule(chain: Chain, quiet_day: None) -> None:
    assert chain.vmalert.alerts() == []
    assert chain.prometheus.alerts() == []
    assert chain.notified() == []


def test_the_first_drop_table_reaches_the_webhook_with_actor_table_and_link_to_that_event(
    chain: Chain, dropped_at: float
) -> None:
    alert = chain.wait_for("TableDropped")
    seconds = time.monotonic() - dropped_at
    print(f"from the call to the webhook: {seconds:.1f} s")
    assert seconds < ALERT_SECONDS

    assert alert.labels["service"] == "shop"
    assert alert.labels["actor"] == 'mallory "m"'
    assert alert.labels["table"] == "orders & more"
    assert alert.labels["severity"] == "critical"
    assert alert.annotations["summary"] == 'mallory "m" dropped the table main/orders & more'
    [event] = chain.events_behind(alert)
    assert event["event_name"] == "drop-table"
    assert event["log.record.uid"] == alert.labels["uid"]
    assert event["app.table"] == "orders & more"


# What fires, and how many events its link shows; None where it shows what is there, not what was alerted on.
ON_EVENTS: Mapping[str, tuple[Mapping[str, str], int | None]] = {
    "TokenCreated": ({"service": "shop", "actor": "mallory", "severity": "warning"}, 1),
    "DestructiveStatement": ({"service": "shop", "actor": "mallory", "table": "customers"}, 1),
    "FailedLogins": ({"service": "shop", "actor": "eve"}, 5),
    "PermissionDenied": ({"service": "shop", "actor": "eve"}, 10),
    "MassDeletion": ({"service": "shop", "actor": "clumsy", "severity": "warning"}, 2),
    "UnusualEventRate": ({"service": "hasty", "event": "insert-rows"}, None),
    "ServiceSilent": ({"service": "ending"}, None),
}
ON_DELIVERY: Mapping[str, Mapping[str, str]] = {
    "EventsDropped": {"service": "troubled", "error_type": "queue_full"},
    "EventsRefused": {"service": "troubled", "severity": "critical"},
    "EventsWaiting": {"service": "troubled", "severity": "critical"},
    "CollectorExportLost": {"exporter": "otlp_http/second"},
}
IN_AN_OUTAGE: Mapping[str, Mapping[str, str]] = {
    "CollectorQueueFilling": {"exporter": "otlp_http/victorialogs", "severity": "critical"},
    "CollectorExportFailing": {"exporter": "otlp_http/victorialogs"},
    "CollectorRefusing": {"receiver": "otlp"},
    "ServerDown": {"job": "victorialogs"},
    "RulesFailing": {"job": "vmalert"},
}


@pytest.mark.parametrize("name", ON_EVENTS)
def test_what_a_rule_is_about_reaches_the_webhook_with_a_link_to_the_events(
    chain: Chain, busy: None, name: str
) -> None:
    labels, count = ON_EVENTS[name]
    alert = chain.wait_for(name, **labels)
    events = chain.events_behind(alert)
    assert {event["service.name"] for event in events} == {labels["service"]}
    assert count in (None, len(events))


@pytest.mark.parametrize(
    ("actor", "table"), [("late", "main/orders"), ("root", "data/dogs")], ids=["twenty hours late", "of Datasette"]
)
def test_a_drop_table_that_is_late_or_of_datasette_reaches_it_too(
    chain: Chain, busy: None, actor: str, table: str
) -> None:
    alert = chain.wait_for("TableDropped", actor=actor)
    assert alert.annotations["summary"] == f"{actor} dropped the table {table}"
    [event] = chain.events_behind(alert)
    assert event["user.id"] == actor


def test_failed_logins_of_nobody_are_those_of_an_address(chain: Chain, busy: None) -> None:
    alert = chain.wait_for("FailedLogins", address="192.0.2.1")
    assert "actor" not in alert.labels
    events = chain.events_behind(alert)
    assert [event["client.address"] for event in events] == ["192.0.2.1"] * 5


def test_a_mass_deletion_says_from_which_tables(chain: Chain, busy: None) -> None:
    alert = chain.wait_for("MassDeletion", actor="clumsy")
    assert alert.annotations["description"].endswith("most of them from: orders (99), customers (1).")


def test_refusals_say_what_was_tried(chain: Chain, busy: None) -> None:
    alert = chain.wait_for("PermissionDenied", actor="eve")
    description = alert.annotations["description"]
    assert "drop-table main/table-0 (5)" in description
    assert "drop-table main/table-1 (5)" in description


def test_a_critical_alert_keeps_the_warning_of_its_name_back(chain: Chain, busy: None) -> None:
    chain.wait_for("MassDeletion", actor="mallory", severity="critical")
    [warning] = [
        alert
        for alert in chain.alertmanager.alerts()
        if alert.name == "MassDeletion" and alert.labels["actor"] == "mallory" and alert.labels["severity"] == "warning"
    ]
    assert warning.state == "suppressed"
    assert chain.notified("MassDeletion", actor="mallory", severity="warning") == []


@pytest.mark.parametrize("name", ON_DELIVERY)
def test_trouble_with_the_delivery_reaches_the_webhook(chain: Chain, busy: None, name: str) -> None:
    alert = chain.wait_for(name, **ON_DELIVERY[name])
    assert alert.annotations["link"].startswith(chain.victorialogs.url)


@pytest.mark.parametrize("name", IN_AN_OUTAGE)
def test_an_outage_behind_the_collector_reaches_the_webhook(chain: Chain, outage: None, name: str) -> None:
    alert = chain.wait_for(name, **IN_AN_OUTAGE[name])
    assert alert.labels["severity"] == "critical"


def test_nothing_was_ever_told_of_the_application_that_is_used_as_people_do(chain: Chain, outage: None) -> None:
    assert chain.notified(service="quiet") == []


def test_every_rule_has_fired_here() -> None:
    rules = {rule["alert"] for path in (LOG_RULES, EVENT_RULES, DELIVERY_RULES) for rule in rules_of(path)}
    assert rules == {"TableDropped", *ON_EVENTS, *ON_DELIVERY, *IN_AN_OUTAGE}
