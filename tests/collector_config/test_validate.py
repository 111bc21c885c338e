"""Each file that the Collector or Prometheus reads is valid to the real program, and a misspelt key in it is refused."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.collector_config.node import CONFIG

# Each file, after those that it is laid over.
COMMANDS = [
    ("collector.yaml",),
    ("collector.yaml", "collector-tls.yaml"),
    ("collector.yaml", "fragments/loki.yaml"),
    ("collector.yaml", "fragments/grafana-cloud.yaml"),
    ("collector.yaml", "gateway.yaml"),
    ("agent.yaml",),
    ("agent.yaml", "collector-tls.yaml"),
]
NOT_THE_COLLECTORS = {"builder.yaml", "compose.yaml"}
commands = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)

# What has no default, since there is none that could be right.
ENVIRONMENT = {
    "GRAFANA_CLOUD_OTLP_ENDPOINT": "https://otlp-gateway.example.org/otlp",
    "GRAFANA_CLOUD_INSTANCE_ID": "1234",
    "GRAFANA_CLOUD_API_KEY": "key",
}

Place = tuple[str | int, ...]

# Keys that are names of the user's choice.
FREE = {"headers", "labels", "external_labels"}


def validate(binary: Path, files: Sequence[Path]) -> str:
    """Return what `otelcol validate` says against these files; "" when it finds them valid."""
    arguments = [argument for path in files for argument in ("--config", str(path))]
    done = subprocess.run(
        [binary, "validate", *arguments], env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stderr


def places(node: Any, place: Place = ()) -> Iterator[Place]:
    """Yield where each key is whose name is not free, once for each kind of place: of a list's items the first has to do."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield (*place, key)
            if key not in FREE:
                yield from places(value, (*place, key))
    elif isinstance(node, list):
        for index, item in enumerate(node[:1]):
            yield from places(item, (*place, index))


def misspelt(tree: Any, place: Place) -> Any:
    """Return a configuration with the key at this place misspelt."""
    made = copy.deepcopy(tree)
    node = made
    for step in place[:-1]:
        node = node[step]
    key = str(place[-1])
    node[f"{key[0]}x{key[1:]}"] = node.pop(place[-1])
    return made


def kind_of(place: Place) -> str:
    """Return what a place has in common with those like it: the names after the slash are left out."""
    return ".".join(re.sub(r"/.*", "/", str(step)) for step in place)


def accepted(config: str, check: Any, folder: Path) -> list[str]:
    """Return the places of a YAML text where a misspelt key goes unnoticed."""
    tree = yaml.safe_load(config)
    by_kind = {kind_of(place): place for place in places(tree)}
    whole = folder / "whole.yaml"
    whole.write_text(json.dumps(tree), encoding="utf-8")
    assert check(whole) == ""

    def unnoticed(numbered: tuple[int, Place]) -> bool:
        number, place = numbered
        path = folder / f"{number}.yaml"
        # JSON is YAML.
        path.write_text(json.dumps(misspelt(tree, place)), encoding="utf-8")
        return not check(path)

    with ThreadPoolExecutor(2) as workers:
        found = list(workers.map(unnoticed, enumerate(by_kind.values())))
    return [kind for kind, silent in zip(by_kind, found, strict=True) if silent]


@commands
def test_the_collector_finds_it_valid(command: Sequence[str], collector_binary: Path) -> None:
    assert validate(collector_binary, [CONFIG / name for name in command]) == ""


@commands
def test_the_collector_refuses_a_misspelt_key(command: Sequence[str], collector_binary: Path, tmp_path: Path) -> None:
    *before, last = [CONFIG / name for name in command]
    text = last.read_text(encoding="utf-8")
    assert accepted(text, lambda path: validate(collector_binary, [*before, path]), tmp_path) == []


def test_no_file_is_left_out() -> None:
    found = {str(path.relative_to(CONFIG)) for path in [*CONFIG.glob("*.yaml"), *CONFIG.glob("fragments/*.yaml")]}
    assert found - NOT_THE_COLLECTORS == {name for command in COMMANDS for name in command}


def promtool(binary: Path, path: Path) -> str:
    """Return what `promtool check config` says against a file; "" when it finds it valid."""
    done = subprocess.run([binary, "check", "config", path], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_prometheus_finds_its_configuration_valid(promtool_binary: Path) -> None:
    assert promtool(promtool_binary, CONFIG / "prometheus" / "prometheus.yaml") == ""


def test_prometheus_refuses_a_misspelt_key(promtool_binary: Path, tmp_path: Path) -> None:
    text = (CONFIG / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8")
    assert accepted(text, lambda path: promtool(promtool_binary, path), tmp_path) == []
