"""The way of an alert as the tests start it: events, Collector, VictoriaLogs and Prometheus, vmalert, Alertmanager, a webhook.

Rules run as they stand in collector-config. Only those that compare with the past have their durations shortened.
"""

from __future__ import annotations

import functools
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import otel_events
from otel_events.builtin import BUILTIN_EVENTS
from tests.backends.alertmanager import Alertmanager
from tests.backends.process import fetch
from tests.backends.prometheus import Prometheus
from tests.backends.servers import VictoriaLogs
from tests.backends.vmalert import VMAlert
from tests.backends.wait import wait_until
from tests.collector_config.alerting import (
    ALERTMANAGER,
    DELIVERY_RULES,
    EVENT_RULES,
    LOG_RULES,
    notifying,
    read,
    shortened,
)
from tests.collector_config.node import CONFIG, OneNode, scraping
from tests.direct.faulty import HttpServer

if TYPE_CHECKING:
    from typing_extensions import Self

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

ALERT_SECONDS = 60.0
"""How long an alert may take to the webhook."""


@dataclass(frozen=True)
class Notified:
    """An alert as it reached the webhook."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    status: str

    @property
    def name(self) -> str:
        """The name of its rule."""
        return self.labels["alertname"]


class Chain:
    """All servers between a tracked event and the webhook.

    Attributes:
        victorialogs: where the events are.
        node: the Collector; besides VictoriaLogs it sends to `second`.
        second: another backend for the events, whose answers a test may choose.
        webhook: what Alertmanager notifies.
    """

    def __init__(
        self,
        binaries: Mapping[str, Path],
        folder: Path,
        parameters: Mapping[Path, Mapping[str, str]],
        environment: Mapping[str, str],
    ) -> None:
        """Prepare it.

        Args:
            binaries: the programs: `collector`, `victorialogs`, `prometheus`, `alertmanager`, `vmalert`.
            folder: where everything goes.
            parameters: what `shortened` does to which file of the configuration.
            environment: further variables of the Collector.
        """
        self.folder = folder
        self.victorialogs = VictoriaLogs(binaries["victorialogs"], folder / "victorialogs")
        self.second = HttpServer()
        self.webhook = HttpServer()
        self._binaries = binaries
        self._parameters = parameters
        self._environment = environment
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.webhook)
            stack.enter_context(self.second)
            stack.enter_context(self.victorialogs)
            self.node = stack.enter_context(self._node())
            self.alertmanager = stack.enter_context(self._alertmanager())
            self.vmalert = stack.enter_context(self._vmalert())
            self.prometheus = stack.enter_context(self._prometheus())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def application(self, service: str, event_types: Sequence[type] = BUILTIN_EVENTS) -> otel_events.EventTracker:
        """Return the tracker of an application that sends to the Collector; it ends with the servers.

        Args:
            service: its name.
            event_types: what it tracks.
        """
        tracker = otel_events.configure(
            event_types=event_types, pipeline="direct", service_name=service, endpoint=self.node.http_endpoint
        )
        self._stack.callback(tracker.shutdown, timeout=0.5)
        return tracker

    def notified(self, name: str | None = None, **labels: str) -> list[Notified]:
        """Return the alerts that reached the webhook so far, in that order, each time that they did.

        Args:
            name: of their rule; None means all.
            labels: that they must have.
        """
        found = []
        for request in list(self.webhook.requests):
            for alert in json.loads(request.body)["alerts"]:
                one = Notified(alert["labels"], alert["annotations"], alert["status"])
                if name in (None, one.name) and labels.items() <= one.labels.items():
                    found.append(one)
        return found

    def wait_for(self, name: str, **labels: str) -> Notified:
        """Return the first such alert, once it is there.

        Raises:
            TimeoutError: none came within ALERT_SECONDS; the text shows what there is at each server.
        """
        try:
            return wait_until(lambda: self.notified(name, **labels), ALERT_SECONDS)[0]
        except TimeoutError:
            there = {
                type(server).__name__: sorted({(alert.name, alert.state) for alert in server.alerts()})
                for server in (self.vmalert, self.prometheus, self.alertmanager)
                if server.running
            }
            told = sorted({alert.name for alert in self.notified()})
            raise TimeoutError(f"{name} with {labels} was not told; there are {there}; {told} were told") from None

    def events_behind(self, alert: Notified) -> list[dict[str, str]]:
        """Return what VictoriaLogs' page shows at the alert's link: its query, within its range of time."""
        base, _, fragment = alert.annotations["link"].partition("#/?")
        assert base == f"{self.victorialogs.url}/select/vmui/"
        found = urllib.parse.parse_qs(fragment, strict_parsing=True)
        assert found["g0.relative_time"] == ["none"]
        end = datetime.fromisoformat(found["g0.end_input"][0].replace("Z", "+00:00"))
        [length] = found["g0.range_input"]
        start = end - timedelta(**{_UNITS[length[-1]]: int(length[:-1])})
        return self.victorialogs.query(f"_time:[{start.isoformat()}, {end.isoformat()}] {found['query'][0]}")

    def wait_for_evaluation(self, since: datetime, seconds: float) -> None:
        """Wait until all rules, those on metrics and those on logs, have been evaluated after this time.

        Args:
            since: the time.
            seconds: to wait at most.
        """
        # Both write times as UTC, with different fractions.
        text = since.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        for url in (self.vmalert.url, self.prometheus.url):
            wait_until(functools.partial(_evaluated, url, text), seconds)

    def _node(self) -> OneNode:
        # Beside VictoriaLogs a backend that a test lets refuse; in front of it only a queue in memory.
        second = {
            "exporters": {"otlp_http/second": {"endpoint": self.second.endpoint}},
            "service": {"pipelines": {"logs/store": {"exporters": ["otlp_http/victorialogs", "otlp_http/second"]}}},
        }
        environment = {"VICTORIALOGS_ENDPOINT": self.victorialogs.logs_endpoint, **self._environment}
        return OneNode(self._binaries["collector"], self.folder / "collector", environment, [second])

    def _alertmanager(self) -> Alertmanager:
        config = notifying(self.webhook, self._parameters.get(ALERTMANAGER, {}))
        return Alertmanager(self._binaries["alertmanager"], self.folder / "alertmanager", config)

    def _vmalert(self) -> VMAlert:
        return VMAlert(
            self._binaries["vmalert"],
            self.folder / "vmalert",
            [LOG_RULES],
            self.victorialogs.url,
            self.alertmanager.url,
            arguments=[f"-external.url={self.victorialogs.url}"],
        )

    def _prometheus(self) -> Prometheus:
        config = scraping(self.node)
        config["global"]["evaluation_interval"] = "1s"
        config["global"]["external_labels"] = {"victorialogs": self.victorialogs.url}
        config["rule_files"] = [self._shortened_rules(path) for path in (EVENT_RULES, DELIVERY_RULES)]
        config["alerting"] = {
            "alert_relabel_configs": read(CONFIG / "prometheus" / "prometheus.yaml")["alerting"][
                "alert_relabel_configs"
            ],
            "alertmanagers": [{"static_configs": [{"targets": [self.alertmanager.address("http")]}]}],
        }
        config["scrape_configs"] += [
            {"job_name": job, "static_configs": [{"targets": [server.address("http")]}]}
            for job, server in (("victorialogs", self.victorialogs), ("vmalert", self.vmalert))
        ]
        return Prometheus(self._binaries["prometheus"], self.folder / "prometheus", config)

    def _shortened_rules(self, path: Path) -> str:
        written = self.folder / path.name
        # JSON is YAML.
        written.write_text(json.dumps(shortened(path, self._parameters.get(path, {}))), encoding="utf-8")
        return str(written)


def _evaluated(url: str, since: str) -> bool:
    groups = json.loads(fetch(f"{url}/api/v1/rules"))["data"]["groups"]
    return all(rule["lastEvaluation"][:19] > since for group in groups for rule in group["rules"])
