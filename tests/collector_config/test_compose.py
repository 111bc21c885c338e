"""compose.yaml is what Compose reads, fits the configurations that it mounts, and opens nothing to others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.backends.binaries import COLLECTOR, JAEGER, VICTORIALOGS, VMALERT
from tests.collector_config.node import CONFIG
from tests.collector_config.strict import misspelt, problems

COMPOSE = CONFIG / "compose.yaml"
SERVICES = {
    "prepare", "collector", "collector-health", "victorialogs", "jaeger", "prometheus", "vmalert", "alertmanager", "grafana",
}  # fmt: skip
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z_]+)(?::-(?P<default>[^}]*)|:\?(?P<why>[^}]*))?\}")
HOST_AND_PORT = re.compile(r"(?<![\w.-])(?P<host>[a-z][a-z.-]*|0\.0\.0\.0|127\.0\.0\.1):(?P<port>\d{2,5})\b")

# By the Compose specification; of its keys those that are used.
SIZE = re.compile(r"\d+[mg]|\$\{[A-Z_]+:-\d+[mg]\}")
DURATION = re.compile(r"\d+[sm]")
SERVICE = {
    "image": re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+"),
    "restart?": {"unless-stopped"},
    "user?": re.compile(r"[1-9]\d+:\d+"),
    "read_only?": {True},
    "init?": {True},
    "network_mode?": {"none"},
    "command?": [str],
    "environment?": {"*": str},
    "mem_limit": SIZE,
    "stop_grace_period?": DURATION,
    # To others than this machine only by a variable.
    "ports?": [re.compile(r"(127\.0\.0\.1|\$\{[A-Z]+_ADDRESS:-127\.0\.0\.1\}):(\d+):\2")],
    "extra_hosts?": [{"host.docker.internal:host-gateway"}],
    # A volume, or a file or folder beside this one that cannot be written to.
    "volumes?": [re.compile(r"[a-z]+:/[\w/-]+(:ro)?|\./[\w./-]+:/[\w./-]+:ro")],
    "tmpfs?": [{"/tmp"}],
    "healthcheck?": {
        "test": [str],
        "interval": DURATION,
        "timeout": DURATION,
        "retries": int,
        "start_period": DURATION,
    },
    "cap_drop": [{"ALL"}],
    "cap_add?": [{"CHOWN"}],
    "security_opt": [{"no-new-privileges:true"}],
    "depends_on?": {"prepare": {"condition": {"service_completed_successfully"}}},
    "logging?": {"driver": {"local"}, "options": {"max-size": re.compile(r"\d+m"), "max-file": re.compile(r"\d")}},
}
SHAPE = {
    "name": {"otel-events"},
    "x-service": dict,
    "x-health": dict,
    "services": dict.fromkeys(SERVICES, SERVICE),
    "volumes": {"*": {}},
}


def read() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return content


def services() -> dict[str, dict[str, Any]]:
    return dict(read()["services"])


def with_defaults(text: str) -> str:
    return VARIABLE.sub(lambda match: match["default"] or "", text)


def test_it_has_known_keys_and_values_only() -> None:
    assert problems(read(), SHAPE) == []


def test_a_misspelt_key_is_found() -> None:
    content = read()
    # Compose looks neither into what begins with x- nor at names of variables, which another test compares.
    del content["x-service"], content["x-health"]
    shape = {key: value for key, value in SHAPE.items() if not key.startswith("x-")}
    missed = [place for place in misspelt(content) if problems(content, shape) == []]
    assert [place for place in missed if ".environment." not in place and not place.startswith(".volumes.")] == []


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker")
def test_docker_compose_reads_it() -> None:
    command = ["docker", "compose", "--file", str(COMPOSE), "config", "--quiet"]
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin")
    environment = {**os.environ, "GRAFANA_ADMIN_PASSWORD": "a password"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_but_the_one_that_prepares_restart_and_are_nobody() -> None:
    for name, service in services().items():
        if name == "prepare":
            # Root without a network, with one right, and gone when the others begin.
            assert (service["network_mode"], service["cap_add"], service["read_only"]) == ("none", ["CHOWN"], True)
            continue
        assert service["restart"] == "unless-stopped"
        assert service["depends_on"]
        assert service["user"]
        assert "cap_add" not in service
        # Grafana writes where its image has no volume.
        assert service.get("read_only") or name == "grafana"


def test_the_health_of_all_is_seen() -> None:
    unseen = {name for name, service in services().items() if "healthcheck" not in service}
    assert unseen == {"prepare", "collector"}
    assert "http://collector:13133/" in services()["collector-health"]["healthcheck"]["test"]


def test_images_are_those_of_the_tests() -> None:
    versions = {name: service["image"].partition(":")[2].removeprefix("v") for name, service in services().items()}
    assert versions["collector"] == COLLECTOR.version
    assert versions["jaeger"] == JAEGER.version
    assert versions["vmalert"] == VMALERT.version
    # The tests have a commit behind the release.
    release, _, _ = VICTORIALOGS.version.partition("-")
    major, minor, patch = map(int, versions["victorialogs"].split("."))
    assert f"{major}.{minor}.{patch + 1}" == release


def test_what_is_mounted_is_there() -> None:
    volumes = set()
    for service in services().values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (CONFIG / source).exists(), mount
            else:
                volumes.add(source)
    assert volumes == set(read()["volumes"])


def test_each_volume_belongs_to_who_writes_into_it() -> None:
    script = services()["prepare"]["command"][-1]
    owners = {
        path.removeprefix("/data/"): owner
        for owner, paths in re.findall(r"chown (\S+) (.+)", script)
        for path in paths.split()
    }  # fmt: skip
    used = {
        mount.split(":")[0]: service["user"]
        for name, service in services().items()
        for mount in service.get("volumes", ())
        if name != "prepare" and not mount.startswith("./") and not mount.endswith(":ro")
    }
    assert owners == used
    # A volume below a folder that cannot be written to has no other place to be.
    mounted = {mount.split(":")[0]: mount.split(":")[1] for mount in services()["prepare"]["volumes"]}
    assert all(mounted[name] == f"/data/{name}" for name in owners)


def test_the_collector_gets_every_variable_that_its_configuration_reads() -> None:
    text = (CONFIG / "collector.yaml").read_text(encoding="utf-8")
    wanted = dict(re.findall(r"\$\{env:([A-Z_]+)(?::-([^}]*))?\}", text))
    given = services()["collector"]["environment"]
    assert given.keys() == wanted.keys()
    for name, default in wanted.items():
        value = with_defaults(given[name])
        if re.fullmatch(r"\d+|true", default):
            assert value == default, name
        elif default.startswith("127.0.0.1") and name != "JAEGER_ENDPOINT":
            # Its own addresses: the same port, for other containers.
            assert value == default.replace("127.0.0.1", "0.0.0.0")
    assert given["VICTORIALOGS_ENDPOINT"] == wanted["VICTORIALOGS_ENDPOINT"].replace("127.0.0.1", "victorialogs")


def test_grafana_gets_every_variable_that_its_provisioning_reads() -> None:
    provisioning = (CONFIG / "grafana" / "provisioning").rglob("*.yaml")
    wanted = {
        name for path in provisioning for name in re.findall(r"(?<!\$)\$([A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    given = services()["grafana"]["environment"]
    assert {name for name in given if not name.startswith("GF_")} == wanted
    assert with_defaults(given["GRAFANA_RULES_PAUSED"]) == "true"
    mounts = dict(mount.removesuffix(":ro").split(":") for mount in services()["grafana"]["volumes"])
    provider = yaml.safe_load((CONFIG / "grafana/provisioning/dashboards/otel-events.yaml").read_text(encoding="utf-8"))
    assert provider["providers"][0]["options"]["path"] == mounts["./grafana/dashboards"]


def test_the_password_is_asked_for() -> None:
    given = services()["grafana"]["environment"]
    match = VARIABLE.fullmatch(given["GF_SECURITY_ADMIN_PASSWORD"])
    assert match is not None
    assert match["why"]
    assert (given["GF_AUTH_ANONYMOUS_ENABLED"], given["GF_USERS_ALLOW_SIGN_UP"]) == ("false", "false")


def test_the_example_names_every_variable_with_its_default() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    defaults = {match["name"]: match["default"] or "" for match in VARIABLE.finditer(text)}
    shown = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (CONFIG / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    # Of what is on or off, the example shows the other.
    assert {**shown, "GRAFANA_RULES_PAUSED": "true"} == defaults


# The ports on which each listens, by its configuration or by its own default.
LISTENS = {
    "collector": {4317, 4318, 8888, 8889, 13133},
    "victorialogs": {9428},
    "jaeger": {4317, 14269, 16686},
    "prometheus": {9090},
    "vmalert": {8880},
    "alertmanager": {9093},
    "grafana": {3000},
}


def test_whoever_is_asked_is_a_service_and_listens_there() -> None:
    for name, service in services().items():
        texts = [*service.get("command", ()), *service.get("environment", {}).values()]
        if name == "prepare":
            continue
        texts += service.get("healthcheck", {}).get("test", [])
        for text in texts:
            for match in HOST_AND_PORT.finditer(with_defaults(text)):
                host, port = match["host"], int(match["port"])
                if host == "host.docker.internal":
                    assert service["extra_hosts"]
                elif host in ("0.0.0.0", "127.0.0.1"):
                    # Itself; but people's addresses are those of this machine, where ports are the same.
                    own = LISTENS[name] if host == "0.0.0.0" else set().union(*LISTENS.values())
                    assert port in own, text
                else:
                    assert port in LISTENS[host], text
        for port in service.get("ports", ()):
            assert int(port.rpartition(":")[2]) in LISTENS[name]


def prepared(folder: Path, webhook: str) -> Path:
    """Run the script of `prepare`, without what only root in a container can do."""
    script = services()["prepare"]["command"][-1].replace("$$", "$")
    script = "\n".join(line for line in script.splitlines() if not line.startswith("chown "))
    script = script.replace("/config/", f"{folder}/").replace("/from/", f"{CONFIG}/")
    environment = {"PATH": os.environ["PATH"], "ALERT_WEBHOOK_URL": webhook}
    subprocess.run(["sh", "-euc", script], env=environment, cwd=folder, check=True, timeout=30)
    return folder


def test_prometheus_gets_its_configuration_with_the_addresses_of_services(
    tmp_path: Path, promtool_binary: Path
) -> None:
    folder = prepared(tmp_path, "http://hook.example.org/") / "prometheus"
    original = yaml.safe_load((CONFIG / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    made = yaml.safe_load((folder / "prometheus.yaml").read_text(encoding="utf-8"))
    targets = []
    for config in (original, made):
        groups = [config["alerting"]["alertmanagers"], config["scrape_configs"]]
        statics = [static for group in groups for one in group for static in one["static_configs"]]
        targets.append([target for static in statics for target in static.pop("targets")])
    assert made == original
    for before, after in zip(*targets, strict=True):
        host, _, port = after.partition(":")
        assert before == f"127.0.0.1:{port}"
        assert int(port) in LISTENS[host]
    rules = {path.name: path.read_bytes() for path in (CONFIG / "prometheus" / "rules").glob("*.yaml")}
    assert {path.name: path.read_bytes() for path in (folder / "rules").iterdir()} == rules
    subprocess.run([promtool_binary, "check", "config", folder / "prometheus.yaml"], check=True, capture_output=True)


@pytest.mark.parametrize(
    "webhook", ["http://host.docker.internal:5001/alerts", r"https://hook.example.org/a|b?c=\d&e=1"]
)
def test_alertmanager_gets_its_configuration_with_the_webhook(
    webhook: str, tmp_path: Path, amtool_binary: Path
) -> None:
    made = prepared(tmp_path, webhook) / "alertmanager" / "alertmanager.yaml"
    original = (CONFIG / "alertmanager" / "alertmanager.yaml").read_text(encoding="utf-8")
    assert original.count("http://127.0.0.1:5001/alerts") == 2
    assert made.read_text(encoding="utf-8") == original.replace("http://127.0.0.1:5001/alerts", webhook)
    subprocess.run([amtool_binary, "check-config", made], check=True, capture_output=True)
