"""Alertmanager takes Prometheus' alerts and shows them, and amtool reads its configuration."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.backends.alertmanager import Alertmanager
from tests.backends.prometheus import Prometheus
from tests.backends.wait import wait_until

ROUTES = {
    "route": {"receiver": "all", "routes": [{"receiver": "page", "matchers": ['severity="page"']}]},
    "receivers": [{"name": "all"}, {"name": "page"}],
}


def test_an_alert_arrives_from_prometheus(alertmanager_binary: Path, prometheus_binary: Path, tmp_path: Path) -> None:
    rule = {"alert": "Always", "expr": "vector(7)", "annotations": {"seen": "{{ $value }}"}}
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "g", "interval": "1s", "rules": [rule]}]}))
    with Alertmanager(alertmanager_binary, tmp_path / "alertmanager", ROUTES) as alertmanager:
        assert alertmanager.alerts() == []
        config = {
            "rule_files": [str(tmp_path / "rules.yaml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.address("http")]}]}]},
        }
        # Prometheus drops an alert that fires before it has found its Alertmanagers, which takes it some seconds, and tells of it
        # again after a minute if nothing is set.
        resend = ["--rules.alert.resend-delay=1s"]
        with Prometheus(prometheus_binary, tmp_path / "prometheus", config, arguments=resend):
            [alert] = wait_until(alertmanager.alerts)
        assert (alert.name, alert.state, alert.annotations) == ("Always", "active", {"seen": "7"})


def test_amtool_shows_the_route_of_an_alert(amtool_binary: Path, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yaml"
    path.write_text(json.dumps(ROUTES))
    command = [str(amtool_binary), "config", "routes", "test", f"--config.file={path}", "severity=page"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "page"
