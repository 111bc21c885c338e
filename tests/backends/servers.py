"""The backends as the tests use them: start one, send to it, ask what arrived.

Example::

    with Collector(COLLECTOR.path, folder) as collector:
        ...  # send OTLP to collector.http_endpoint or collector.grpc_endpoint
        [record] = wait_until(lambda: collector.log_records("my-service"))
"""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.backends import records
from tests.backends.process import Server, fetch
from tests.backends.records import LogRecord, Span, SpanEvent

HERE = Path(__file__).resolve().parent
COLLECTOR_YAML = HERE / "collector.yaml"
TO_BACKENDS_YAML = HERE / "collector-to-backends.yaml"

# Far beyond what the tests send; Jaeger answers with 100 traces where no limit is given.
TRACE_LIMIT = 1_000_000


class Collector(Server):
    """The OpenTelemetry Collector, with the configuration that a test gives it.

    Configurations find in their environment OTLP_GRPC_ENDPOINT, OTLP_HTTP_ENDPOINT and HEALTH_CHECK_ENDPOINT, where
    they must listen (`127.0.0.1:PORT`), LOGS_FILE and TRACES_FILE, where `log_records` and `spans` read what arrived.
    """

    port_names: ClassVar[tuple[str, ...]] = ("otlp_grpc", "otlp_http", "health_check")

    def __init__(
        self,
        binary: Path,
        folder: Path,
        configs: Sequence[Path | Mapping[str, object]] = (COLLECTOR_YAML,),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a Collector.

        Args:
            binary: the program.
            folder: where its log, its data and what it received go; is created.
            configs: configurations, files or mappings, each merged over the ones before it: maps key by key, lists
                as a whole.
            environment: further variables for the configurations.
        """
        super().__init__(binary, folder)
        self.logs_file = folder / "logs.jsonl"
        self.traces_file = folder / "traces.jsonl"
        self._configs = list(configs)
        self._environment = dict(environment or {})

    @property
    def grpc_endpoint(self) -> str:
        """The value for an OTLP exporter's endpoint, for OTLP/gRPC."""
        return f"http://{self.address('otlp_grpc')}"

    @property
    def http_endpoint(self) -> str:
        """The value for OTEL_EXPORTER_OTLP_ENDPOINT, for OTLP/HTTP; exporters add `/v1/logs` and `/v1/traces`."""
        return f"http://{self.address('otlp_http')}"

    def log_records(self, service: str | None = None) -> list[LogRecord]:
        """Return the log records that arrived so far, in the order of their arrival.

        Args:
            service: only those with this `service.name`; None means all.
        """
        found = records.log_records(records.complete_lines(self.logs_file))
        return [record for record in found if service in (None, record.resource.get("service.name"))]

    def spans(self, service: str | None = None) -> list[Span]:
        """Return the spans that arrived so far, in the order of their arrival.

        Args:
            service: only those with this `service.name`; None means all.
        """
        found = records.spans(records.complete_lines(self.traces_file))
        return [span for span in found if service in (None, span.resource.get("service.name"))]

    def command(self) -> Sequence[str | Path]:
        arguments: list[str | Path] = [self.binary]
        for number, config in enumerate(self._configs):
            if isinstance(config, Mapping):
                # JSON is YAML.
                path = self.folder / f"config-{number}.yaml"
                path.write_text(json.dumps(config, indent=2), encoding="utf-8")
            else:
                path = config.resolve()
            arguments += ["--config", path]
        return arguments

    def environment(self) -> Mapping[str, str]:
        return {
            "OTLP_GRPC_ENDPOINT": self.address("otlp_grpc"),
            "OTLP_HTTP_ENDPOINT": self.address("otlp_http"),
            "HEALTH_CHECK_ENDPOINT": self.address("health_check"),
            "LOGS_FILE": str(self.logs_file),
            "TRACES_FILE": str(self.traces_file),
            **self._environment,
        }

    def health_url(self) -> str:
        return f"http://{self.address('health_check')}/"


class Jaeger(Server):
    """Jaeger all-in-one with its traces in memory. It takes traces only; stopped, it forgets them."""

    port_names = (
        "otlp_grpc",
        "otlp_http",
        "query_http",
        "query_grpc",
        "admin",
        "collector_grpc",
        "collector_http",
        "sampling",
    )

    @property
    def grpc_endpoint(self) -> str:
        """The value for an OTLP exporter's endpoint, for OTLP/gRPC."""
        return f"http://{self.address('otlp_grpc')}"

    @property
    def http_endpoint(self) -> str:
        """The value for OTEL_EXPORTER_OTLP_ENDPOINT, for OTLP/HTTP."""
        return f"http://{self.address('otlp_http')}"

    @property
    def url(self) -> str:
        """The address of its query API."""
        return f"http://{self.address('query_http')}"

    def traces(self, service: str) -> list[dict[str, Any]]:
        """Return the traces with a span of the service, as Jaeger's `/api/traces` shows them.

        Args:
            service: the `service.name`.
        """
        query = {
            "service": service,
            "limit": TRACE_LIMIT,
            # Microseconds. Without them it shows the last two days; events may be older.
            "start": 1,
            "end": time.time_ns() // 1_000 + 86_400_000_000,
        }
        answer = json.loads(fetch(f"{self.url}/api/traces?{urllib.parse.urlencode(query)}"))
        return list(answer["data"])

    def span_events(self, service: str) -> list[SpanEvent]:
        """Return the span events of the service's traces, oldest first; Jaeger keeps microseconds.

        Args:
            service: the `service.name`.
        """
        events = []
        for trace in self.traces(service):
            for span in trace["spans"]:
                for entry in span["logs"]:
                    attributes = {field["key"]: _jaeger_value(field) for field in entry["fields"]}
                    name = attributes.pop("event", "")
                    events.append(SpanEvent(name, entry["timestamp"] * 1_000, attributes))
        return sorted(events, key=lambda event: event.time_unix_nano)

    def command(self) -> Sequence[str | Path]:
        return [
            self.binary,
            f"--collector.otlp.grpc.host-port={self.address('otlp_grpc')}",
            f"--collector.otlp.http.host-port={self.address('otlp_http')}",
            f"--query.http-server.host-port={self.address('query_http')}",
            f"--query.grpc-server.host-port={self.address('query_grpc')}",
            f"--admin.http.host-port={self.address('admin')}",
            f"--collector.grpc-server.host-port={self.address('collector_grpc')}",
            f"--collector.http-server.host-port={self.address('collector_http')}",
            f"--http-server.host-port={self.address('sampling')}",
            # Old UDP protocols that cannot be turned off and that nobody here speaks.
            "--processor.jaeger-binary.server-host-port=127.0.0.1:0",
            "--processor.jaeger-compact.server-host-port=127.0.0.1:0",
            "--processor.zipkin-compact.server-host-port=127.0.0.1:0",
        ]

    def environment(self) -> Mapping[str, str]:
        # It traces itself, to whatever listens on OTLP's standard port, and waits for that when it is stopped.
        return {"SPAN_STORAGE_TYPE": "memory", "OTEL_TRACES_SAMPLER": "always_off"}

    def health_url(self) -> str:
        return f"http://{self.address('admin')}/"


class VictoriaLogs(Server):
    """VictoriaLogs, with its data in the folder."""

    port_names = ("http",)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address('http')}"

    @property
    def logs_endpoint(self) -> str:
        """The value for OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, for OTLP/HTTP; it takes logs only."""
        return f"{self.url}/insert/opentelemetry/v1/logs"

    def query(self, logsql: str) -> list[dict[str, str]]:
        """Return what a LogsQL query finds: one dict a record, whose values are all strings.

        Args:
            logsql: the query; one without a time filter looks at all times.

        Raises:
            ServerError: VictoriaLogs refuses the query.
        """
        # What was acknowledged a moment ago becomes visible to queries within a second, or now.
        fetch(f"{self.url}/internal/force_flush")
        answer = fetch(f"{self.url}/select/logsql/query", urllib.parse.urlencode({"query": logsql}).encode())
        return [json.loads(line) for line in answer.splitlines()]

    def command(self) -> Sequence[str | Path]:
        return [
            self.binary,
            f"-httpListenAddr={self.address('http')}",
            f"-storageDataPath={self.folder / 'data'}",
            # The default drops what is older than a week without a word to the sender; events may be backfilled.
            "-retentionPeriod=100y",
        ]

    def health_url(self) -> str:
        return f"{self.url}/health"


def _jaeger_value(field: Mapping[str, Any]) -> Any:
    if field["type"] == "binary":
        return base64.b64decode(field["value"])
    if field["type"] == "int64":
        # Those that JavaScript would round come as strings.
        return int(field["value"])
    return field["value"]
