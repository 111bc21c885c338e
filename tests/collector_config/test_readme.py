"""README.md of collector-config: the commands of "My alert does not fire" work on the real servers, and what it names exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.backends.alertmanager import Alertmanager
from tests.backends.process import Server
from tests.backends.prometheus import Prometheus
from tests.backends.servers import VictoriaLogs
from tests.backends.vmalert import VMAlert
from tests.backends.wait import wait_until
from tests.collector_config.node import CONFIG, OneNode, scraping, stored
from tests.collector_config.otlp import logs, post, record

README = (CONFIG / "README.md").read_text(encoding="utf-8")
WAY = README[README.index("## My alert does not fire") :]
COMMANDS = re.findall(r"^\$ ((?:curl|promtool|amtool) .*)$", WAY, re.MULTILINE)
# What may have nothing to show.
SILENT = {"silence query", "alert query"}


@pytest.fixture
def prometheus(prometheus_binary: Path, tmp_path: Path, node: OneNode) -> Iterator[Prometheus]:
    """Run Prometheus as the others do, with its rules."""
    config = {**scraping(node), "rule_files": [str(CONFIG / "prometheus" / "rules" / "*.yaml")]}
    with Prometheus(prometheus_binary, tmp_path / "prometheus", config) as server:
        yield server


@pytest.fixture
def ports(
    node: OneNode,
    prometheus: Prometheus,
    victorialogs: VictoriaLogs,
    vmalert_binary: Path,
    alertmanager_binary: Path,
    tmp_path: Path,
) -> Iterator[Mapping[str, str]]:
    """Run what is still missing, and give the port that stands for each of README's."""
    with ExitStack() as stack:

        def started(server: Server) -> str:
            stack.enter_context(server)
            return str(server.ports["http"])

        alertmanager = Alertmanager(
            alertmanager_binary, tmp_path / "alertmanager", CONFIG / "alertmanager" / "alertmanager.yaml"
        )
        ports = {"9093": started(alertmanager)}
        rules = [CONFIG / "vmalert" / "rules.yaml"]
        vmalert = VMAlert(vmalert_binary, tmp_path / "vmalert", rules, victorialogs.url, alertmanager.url)
        ports["8880"] = started(vmalert)
        yield {
            **ports,
            "13133": str(node.ports["health_check"]),
            "8888": str(node.ports["telemetry"]),
            "8889": str(node.ports["metrics"]),
            "9090": str(prometheus.ports["http"]),
            "9428": str(victorialogs.ports["http"]),
        }


def test_the_commands_along_the_way_show_something(
    node: OneNode,
    prometheus: Prometheus,
    victorialogs: VictoriaLogs,
    ports: Mapping[str, str],
    promtool_binary: Path,
    amtool_binary: Path,
    service: str,
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    post(node, logs(service, record("drop-table", {"user.id": "alice"})))
    wait_until(lambda: stored(victorialogs, service) == (1, 0))
    wait_until(lambda: prometheus.query('otel_events_total{event_name="drop-table"}'))
    path = os.pathsep.join([str(promtool_binary.parent), str(amtool_binary.parent), os.environ["PATH"]])
    assert len(COMMANDS) >= 12
    for command in COMMANDS:
        here = re.sub(r"127\.0\.0\.1:(\d+)", lambda match: f"127.0.0.1:{ports[match[1]]}", command)
        environment = {**os.environ, "PATH": path, "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", here],
            cwd=CONFIG,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert done.stdout.strip() or any(silent in command for silent in SILENT), command


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        name, _, anchor = target.partition("#")
        path = CONFIG / name
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


def test_variables_and_their_defaults_are_those_of_the_configuration() -> None:
    text = (CONFIG / "collector.yaml").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"\$\{env:(\w+):-([^}]*)\}", text))
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \| ((?:`[^`]+`(?:, )?)+) \|", README, re.MULTILINE)
    told = {
        name: default
        for names, values in rows
        for name, default in zip(re.findall(r"`([^`]+)`", names), re.findall(r"`([^`]+)`", values), strict=True)
    }
    assert told == defaults


def test_the_metric_of_ones_own_is_one_that_the_collector_takes(
    collector_binary: Path, tmp_path: Path, backends: Mapping[str, str], service: str
) -> None:
    block = README[README.index("- name: shop_total") - 6 :]
    [metric] = yaml.safe_load(block[: block.index("```")])
    config = yaml.safe_load((CONFIG / "collector.yaml").read_text(encoding="utf-8"))
    sums = config["connectors"]["signal_to_metrics/sums"]["logs"]
    [keep] = re.findall(r"`(keep_keys\([^`]+\))`", README)
    statements = [
        keep if statement.startswith("keep_keys(") else statement
        for statement in config["processors"]["transform/labels"]["log_statements"]
    ]
    over = {
        "processors": {"transform/labels": {"log_statements": statements}},
        "connectors": {"signal_to_metrics/sums": {"logs": [*sums, metric]}},
    }
    with OneNode(collector_binary, tmp_path / "node", backends, [over]) as node:
        values = ("9.5", 10, 0.5, "-5", "free")
        post(node, logs(service, *[record("order-placed", {"shop.total": value}) for value in values]))
        wait_until(lambda: node.total("shop_total", event_name="order-placed", service_name=service) == 20)
        assert node.running
