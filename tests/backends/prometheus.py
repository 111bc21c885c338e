"""Prometheus as the tests use it: scrape a server, evaluate rules, ask what they give."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.backends.process import Server, fetch


@dataclass(frozen=True)
class Sample:
    """One sample of an instant vector; the metric's name is the label `__name__`."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Alert:
    """An alert, as Prometheus, vmalert or Alertmanager shows it.

    Attributes:
        labels: `alertname` is one of them.
        annotations: with their templates filled in.
        state: `pending` or `firing`; in Alertmanager `active`, `suppressed` or `unprocessed`.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str

    @property
    def name(self) -> str:
        """The name of its rule."""
        return self.labels["alertname"]


class Prometheus(Server):
    """Prometheus, with its data in the folder."""

    port_names = ("http",)

    def __init__(
        self,
        binary: Path,
        folder: Path,
        config: Path | Mapping[str, object],
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """Prepare a Prometheus.

        Args:
            binary: the program.
            folder: where its log and data go; is created.
            config: its configuration; paths in a file are relative to that file, in a mapping to `folder`.
            environment: further variables; of the configuration, Prometheus expands external labels only.
            arguments: further command-line flags.
        """
        super().__init__(binary, folder)
        self._config = config
        self._environment = dict(environment or {})
        self._arguments = list(arguments)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address('http')}"

    def query(self, promql: str) -> list[Sample]:
        """Return what an instant query gives now; a scalar is one sample without labels.

        Args:
            promql: the query.

        Raises:
            ServerError: Prometheus refuses the query.
        """
        answer = json.loads(fetch(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"))["data"]
        if answer["resultType"] == "scalar":
            return [Sample({}, float(answer["result"][1]))]
        return [Sample(found["metric"], float(found["value"][1])) for found in answer["result"]]

    def alerts(self) -> list[Alert]:
        """Return the alerts that are pending or firing."""
        return alerts_of(fetch(f"{self.url}/api/v1/alerts"))

    def reload(self) -> None:
        """Let it read its configuration and rules again.

        Raises:
            ServerError: they are wrong; it goes on with the old ones.
        """
        self._write_config()
        fetch(f"{self.url}/-/reload", form=b"")

    def command(self) -> Sequence[str | Path]:
        return [
            self.binary,
            f"--config.file={self._write_config()}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.address('http')}",
            "--web.enable-lifecycle",
            *self._arguments,
        ]

    def environment(self) -> Mapping[str, str]:
        return self._environment

    def health_url(self) -> str:
        return f"{self.url}/-/ready"

    def _write_config(self) -> Path:
        return config_file(self._config, self.folder / "prometheus.yaml")


def config_file(config: Path | Mapping[str, object], path: Path) -> Path:
    """Return the file with a configuration: the one given, or `path` with the mapping in it."""
    if isinstance(config, Path):
        return config.resolve()
    # JSON is YAML.
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
    return path


def alerts_of(answer: bytes) -> list[Alert]:
    """Return the alerts in an answer of `/api/v1/alerts`, of Prometheus or vmalert."""
    found: list[dict[str, Any]] = json.loads(answer)["data"]["alerts"]
    return [Alert(alert["labels"], alert["annotations"], alert["state"]) for alert in found]
