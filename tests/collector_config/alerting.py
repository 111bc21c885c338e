"""The alert rules and Alertmanager's configuration as the tests use them: read, shortened, and given alerts."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from tests.backends.alertmanager import Alertmanager
from tests.backends.process import REQUEST_SECONDS
from tests.collector_config.node import CONFIG
from tests.direct.faulty import HttpServer

EVENT_RULES = CONFIG / "prometheus" / "rules" / "events.yaml"
DELIVERY_RULES = CONFIG / "prometheus" / "rules" / "delivery.yaml"
LOG_RULES = CONFIG / "vmalert" / "rules.yaml"
ALERTMANAGER = CONFIG / "alertmanager" / "alertmanager.yaml"

_PARAMETER = re.compile(r"\b[0-9]+[smhdw]?\b")


def read(path: Path) -> Any:
    """Return what is in a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules_of(path: Path) -> list[dict[str, Any]]:
    """Return the alert rules in a file."""
    return [rule for group in read(path)["groups"] for rule in group["rules"] if "alert" in rule]


def shortened(path: Path, parameters: Mapping[str, str]) -> Any:
    """Return what is in a YAML file, with other durations and thresholds, wherever in a text those stand.

    Args:
        path: the file.
        parameters: the new ones, by those that stand there: `{"10m": "10s", "300": "3"}`.

    Raises:
        ValueError: the file has no such parameter any more.
    """
    found: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        found.add(match[0])
        return parameters.get(match[0], match[0])

    def walk(content: Any) -> Any:
        if isinstance(content, dict):
            return {key: walk(value) for key, value in content.items()}
        if isinstance(content, list):
            return [walk(value) for value in content]
        return _PARAMETER.sub(replaced, content) if isinstance(content, str) else content

    content = walk(read(path))
    if missing := parameters.keys() - found:
        raise ValueError(f"{path} has no {sorted(missing)}")
    return content


def notifying(webhook: HttpServer, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return alertmanager.yaml, shortened, with another address in its webhooks."""
    config: dict[str, Any] = shortened(ALERTMANAGER, parameters)
    for receiver in config["receivers"]:
        for one in receiver.get("webhook_configs", ()):
            one["url"] = f"{webhook.endpoint}/alerts"
    return config


def post_alerts(
    alertmanager: Alertmanager,
    *labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    resolved: bool = False,
) -> None:
    """Give Alertmanager alerts, as Prometheus does.

    Args:
        alertmanager: who gets them.
        labels: of each alert.
        annotations: of all.
        resolved: that they have ended just now.
    """
    now = datetime.now(timezone.utc)
    # It does not wait for others with those that began before its wait.
    times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat()}
    if resolved:
        times = {"startsAt": (now - timedelta(minutes=1)).isoformat(), "endsAt": now.isoformat()}
    alerts = [{"labels": dict(one), "annotations": dict(annotations or {}), **times} for one in labels]
    request = urllib.request.Request(
        f"{alertmanager.url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=REQUEST_SECONDS):
        pass
