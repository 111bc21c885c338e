"""The one-node Collector as the tests start it, and the applications that send to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import yaml

from tests.backends.process import fetch
from tests.backends.prometheus import Sample
from tests.backends.servers import Collector, Jaeger, VictoriaLogs

if TYPE_CHECKING:
    from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "collector-config"
APPLICATION_SECONDS = 120.0

_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class OneNode(Collector):
    """The Collector with collector.yaml, and with what a test lays over it."""

    port_names = (*Collector.port_names, "metrics", "telemetry")

    def __init__(
        self,
        binary: Path,
        folder: Path,
        environment: Mapping[str, str],
        over: Sequence[Path | Mapping[str, object]] = (),
    ) -> None:
        """Prepare it.

        Args:
            binary: the program.
            folder: where its log and its queues go; is created.
            environment: where the backends are.
            over: configurations to lay over collector.yaml.
        """
        super().__init__(binary, folder, [CONFIG / "collector.yaml", *over], environment)

    def environment(self) -> Mapping[str, str]:
        return {
            "METRICS_ENDPOINT": self.address("metrics"),
            "TELEMETRY_PORT": str(self.ports["telemetry"]),
            "STORAGE_DIRECTORY": str(self.folder / "queue"),
            **super().environment(),
        }

    def counts(self, metric: str, **labels: str) -> list[Sample]:
        """Return the series of a metric on the port that Prometheus scrapes.

        Args:
            metric: its name.
            labels: those that a series must have.
        """
        return samples(fetch(f"http://{self.address('metrics')}/metrics").decode(), metric, labels)

    def total(self, metric: str, **labels: str) -> float:
        """Return the sum of such series."""
        return sum(sample.value for sample in self.counts(metric, **labels))

    def telemetry(self, metric: str, **labels: str) -> float:
        """Return the sum of such series among what the Collector says of itself."""
        text = fetch(f"http://{self.address('telemetry')}/metrics").decode()
        return sum(sample.value for sample in samples(text, metric, labels))


class Application:
    """A process of `tests.collector_config.application`."""

    def __init__(
        self,
        configure: Mapping[str, Any],
        events: int | None = None,
        *,
        threads: int = 1,
        actors: int = 10,
        environment: Mapping[str, str] | None = None,
        shutdown_seconds: float = 90.0,
    ) -> None:
        """Start it.

        Args:
            configure: arguments of `otel_events.configure`.
            events: how many it tracks; None means until `finish`, with pauses.
            threads: how many track.
            actors: how many there are.
            environment: further variables.
            shutdown_seconds: how long its end may take.
        """
        options = {
            "configure": dict(configure),
            "events": events,
            "threads": threads,
            "actors": actors,
            "shutdown_seconds": shutdown_seconds,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.collector_config.application"],
            cwd=ROOT,
            env={**inherited, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(options) + "\n")
        self._process.stdin.flush()

    def finish(self, timeout: float = APPLICATION_SECONDS) -> dict[str, int]:
        """Let it end, within so many seconds, and return what it tracked, sent, lost, and has pending."""
        output, _ = self._process.communicate(timeout=timeout)
        assert self._process.returncode == 0
        return dict(json.loads(output))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def send(configure: Mapping[str, Any], events: int, *, processes: int = 1, actors: int = 10) -> None:
    """Send so many events from so many processes at the same time, and see that each of them was acknowledged."""
    shares = [events // processes + (number < events % processes) for number in range(processes)]
    applications = [Application(configure, share, actors=actors) for share in shares]
    for application, share in zip(applications, shares, strict=True):
        with application:
            became = application.finish()
            assert became == {"tracked": share, "sent": share, "pending": 0, "lost": 0, "dead_letters": 0}, became


def scraping(node: OneNode, interval: str = "1s") -> dict[str, Any]:
    """Return prometheus.yaml, with what a test cannot have as it stands: fixed ports, patience, and rules."""
    config = yaml.safe_load((CONFIG / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    here = {"events": node.address("metrics"), "collector": node.address("telemetry")}
    jobs = [job for job in config["scrape_configs"] if job["job_name"] in here]
    for job in jobs:
        job["static_configs"] = [{"targets": [here[job["job_name"]]]}]
    return {"global": {"scrape_interval": interval}, "scrape_configs": jobs}


def stored(victorialogs: VictoriaLogs, service: str) -> tuple[int, int]:
    """Return how many events of a service are in VictoriaLogs, and how many of them are different ones."""
    [row] = victorialogs.query(
        f'{{service.name="{service}"}} -event_name:="otel_events.checkpoint"'
        " | stats count() as events, count_uniq(log.record.uid) as uids"
    )
    return int(row["events"]), int(row["uids"])


def spans_of(jaeger: Jaeger, service: str, count: int) -> list[dict[str, Any]]:
    """Return the spans of a service in Jaeger, once so many are there; else none."""
    spans = [span for trace in jaeger.traces(service) for span in trace["spans"]]
    return spans if len(spans) >= count else []


def samples(text: str, metric: str, labels: Mapping[str, str]) -> list[Sample]:
    """Return the series of a metric, with these labels, in Prometheus' text format."""
    found = []
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match and match["name"] == metric:
            sample = Sample(dict(_LABEL.findall(match["labels"] or "")), float(match["value"]))
            if labels.items() <= sample.labels.items():
                found.append(sample)
    return found
