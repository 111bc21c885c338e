"""Alertmanager's configuration: valid, without secrets, and who hears of what, how often, on the real server."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backends.alertmanager import Alertmanager
from tests.backends.wait import wait_until
from tests.collector_config.alerting import ALERTMANAGER, notifying, post_alerts, read
from tests.collector_config.strict import misspelt
from tests.direct.faulty import HttpServer

WAIT_SECONDS = 20.0
# The waits of messages, so that a test need not.
PARAMETERS = {"10s": "1s", "1m": "1s"}

# Headers of an e-mail have any names.
FREE = re.compile(r"\.headers\.")


@dataclass
class Told:
    """Alertmanager, and the messages that it has sent: `webhook` those to the two webhooks, `slack` those to Slack."""

    alertmanager: Alertmanager
    webhook: HttpServer
    slack: HttpServer

    def messages(self) -> list[list[Mapping[str, str]]]:
        """Return the labels of the alerts of each message to the webhooks, with their status."""
        return [
            [{**alert["labels"], "status": alert["status"]} for alert in json.loads(request.body)["alerts"]]
            for request in list(self.webhook.requests)
        ]

    def told(self, **labels: str) -> list[Mapping[str, str]]:
        """Return the alerts with these labels, as often as they were told."""
        return [alert for message in self.messages() for alert in message if labels.items() <= alert.items()]


@pytest.fixture
def told(alertmanager_binary: Path, tmp_path: Path) -> Iterator[Told]:
    with HttpServer() as webhook, HttpServer() as slack:
        folder = tmp_path / "alertmanager"
        (folder / "secrets").mkdir(parents=True)
        (folder / "secrets" / "slack-webhook-url").write_text(f"{slack.endpoint}/services/T0/B0/secret")
        with Alertmanager(alertmanager_binary, folder, notifying(webhook, PARAMETERS)) as server:
            yield Told(server, webhook, slack)


def check(amtool: Path, path: Path) -> str:
    """Return what amtool says against a configuration; "" when it finds nothing."""
    done = subprocess.run([amtool, "check-config", path], capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_it_is_valid_and_a_misspelt_key_is_not(amtool_binary: Path, tmp_path: Path) -> None:
    assert check(amtool_binary, ALERTMANAGER) == ""
    config = read(ALERTMANAGER)
    changed = tmp_path / "alertmanager.yaml"
    for place in misspelt(config):
        changed.write_text(json.dumps(config), encoding="utf-8")
        if not FREE.search(place):
            assert check(amtool_binary, changed) != "", place


def test_secrets_are_read_from_files() -> None:
    receivers = {receiver["name"]: receiver for receiver in read(ALERTMANAGER)["receivers"]}
    [email] = receivers["email"]["email_configs"]
    [slack] = receivers["slack"]["slack_configs"]
    assert email["auth_password_file"] == "secrets/smtp-password"
    assert slack["api_url_file"] == "secrets/slack-webhook-url"
    text = ALERTMANAGER.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\s*-?\s*(\w*(?:password|secret|token|api_url|credentials)\w*):", text) == [
        "auth_password_file",
        "api_url_file",
    ]


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"alertname": "TableDropped", "kind": "occurrence", "severity": "critical"}, "webhook-once"),
        ({"alertname": "FailedLogins", "kind": "burst", "severity": "warning"}, "webhook"),
        ({"alertname": "UnusualEventRate", "kind": "rate", "severity": "warning"}, "webhook"),
        ({"alertname": "EventsDropped", "kind": "delivery", "severity": "critical"}, "webhook"),
        ({"alertname": "ServerDown", "kind": "collector", "severity": "critical"}, "webhook"),
        ({"alertname": "AnotherRule"}, "webhook"),
        ({"alertname": "TableDropped", "kind": "occurrence", "notify": "slack"}, "slack,webhook-once"),
        ({"alertname": "FailedLogins", "kind": "burst", "notify": "email"}, "email,webhook"),
    ],
)
def test_who_hears_of_it(amtool_binary: Path, labels: Mapping[str, str], receivers: str) -> None:
    command: list[str | Path] = [amtool_binary, "config", "routes", "test", f"--config.file={ALERTMANAGER}"]
    done = subprocess.run(
        [*command, *(f"{key}={value}" for key, value in labels.items())],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == receivers


def test_what_one_actor_did_to_one_service_is_one_message(told: Told) -> None:
    common = {"alertname": "TableDropped", "kind": "occurrence", "service": "shop"}
    post_alerts(
        told.alertmanager,
        {**common, "actor": "mallory", "uid": "1"},
        {**common, "actor": "mallory", "uid": "2"},
        {**common, "actor": "eve", "uid": "3"},
    )
    wait_until(lambda: len(told.messages()) >= 2, WAIT_SECONDS)
    assert sorted([alert["uid"] for alert in message] for message in told.messages()) == [["1", "2"], ["3"]]


def test_trouble_with_the_delivery_keeps_the_silence_of_that_service_back(told: Told) -> None:
    post_alerts(
        told.alertmanager,
        {"alertname": "EventsWaiting", "kind": "delivery", "severity": "warning", "service": "shop"},
        {"alertname": "ServerDown", "kind": "collector", "severity": "critical", "job": "victorialogs"},
        {"alertname": "ServiceSilent", "kind": "silence", "severity": "warning", "service": "shop"},
        {"alertname": "ServiceSilent", "kind": "silence", "severity": "warning", "service": "office"},
    )
    wait_until(lambda: len(told.messages()) >= 3, WAIT_SECONDS)
    assert told.told(alertname="ServiceSilent", service="office")
    assert told.told(alertname="ServiceSilent", service="shop") == []
    assert told.told(alertname="ServerDown")
    assert states(told, "ServiceSilent") == {"shop": "suppressed", "office": "active"}


@pytest.mark.parametrize(
    "trouble",
    [
        {"alertname": "ServerDown", "kind": "collector", "job": "events"},
        {"alertname": "ServerDown", "kind": "collector", "job": "collector"},
        {"alertname": "CollectorRefusing", "kind": "collector", "receiver": "otlp"},
    ],
    ids=lambda trouble: "-".join(trouble.values()),
)
def test_a_collector_that_takes_nothing_keeps_all_silences_back(told: Told, trouble: Mapping[str, str]) -> None:
    post_alerts(
        told.alertmanager,
        {**trouble, "severity": "critical"},
        {"alertname": "ServiceSilent", "kind": "silence", "severity": "warning", "service": "shop"},
    )
    wait_until(lambda: told.told(alertname=trouble["alertname"]), WAIT_SECONDS)
    assert states(told, "ServiceSilent") == {"shop": "suppressed"}


def test_a_critical_alert_keeps_only_the_warning_about_the_same_back(told: Told) -> None:
    deletion = {"alertname": "MassDeletion", "kind": "burst", "service": "shop"}
    queue = {"alertname": "CollectorQueueFilling", "kind": "collector"}
    post_alerts(
        told.alertmanager,
        {**deletion, "severity": "critical", "actor": "mallory"},
        {**deletion, "severity": "warning", "actor": "mallory"},
        {**deletion, "severity": "warning", "actor": "clumsy"},
        {**queue, "severity": "critical", "exporter": "logs"},
        {**queue, "severity": "warning", "exporter": "logs"},
        {**queue, "severity": "warning", "exporter": "traces"},
    )
    wait_until(lambda: sum(map(len, told.messages())) >= 4, WAIT_SECONDS)
    assert told.told(severity="warning", actor="clumsy")
    assert told.told(severity="warning", exporter="traces")
    assert told.told(severity="warning", actor="mallory") == []
    assert told.told(severity="warning", exporter="logs") == []


def test_the_end_of_trouble_is_told_and_the_end_of_a_look_back_is_not(told: Told) -> None:
    ended = {"alertname": "EventsWaiting", "kind": "delivery", "service": "shop"}
    dropped = {"alertname": "TableDropped", "kind": "occurrence", "service": "shop", "uid": "1"}
    post_alerts(told.alertmanager, ended, dropped)
    wait_until(lambda: len(told.messages()) >= 2, WAIT_SECONDS)
    post_alerts(told.alertmanager, ended, dropped, resolved=True)
    wait_until(lambda: told.told(**ended, status="resolved"), WAIT_SECONDS)
    wait_until(lambda: told.alertmanager.alerts() == [], WAIT_SECONDS)
    assert told.told(**dropped, status="resolved") == []


def test_slack_gets_the_events_and_the_runbook(told: Told) -> None:
    post_alerts(
        told.alertmanager,
        {"alertname": "TableDropped", "kind": "occurrence", "service": "shop", "notify": "slack"},
        annotations={
            "summary": "mallory did it",
            "link": "http://logs/?query=1",
            "runbook_url": "RUNBOOK.md#tabledropped",
        },
    )
    [request] = wait_until(lambda: list(told.slack.requests), WAIT_SECONDS)
    assert request.path == "/services/T0/B0/secret"
    [attachment] = json.loads(request.body)["attachments"]
    assert attachment["title"] == "FIRING: TableDropped shop"
    assert "mallory did it" in attachment["text"]
    assert "http://logs/?query=1" in attachment["text"]
    assert "RUNBOOK.md#tabledropped" in attachment["text"]


def states(told: Told, name: str) -> dict[str, str]:
    """Return the states of an alert, by service."""
    return {alert.labels["service"]: alert.state for alert in told.alertmanager.alerts() if alert.name == name}
