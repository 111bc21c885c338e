"""What is laid over collector.yaml for Loki and Grafana Cloud sends OTLP to their paths, with their credentials.

Neither can be had here: a web server of the test stands for the address, and what it is sent is looked at.
"""

from __future__ import annotations

import base64
import gzip
import http.server
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.backends.servers import Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.node import CONFIG, Application, OneNode, send, spans_of, stored


class Sent(NamedTuple):
    """A request as it came."""

    path: str
    authorization: str | None
    content_type: str
    body: bytes


@pytest.fixture
def sent() -> list[Sent]:
    """Give the list of what the web server was sent."""
    return []


@pytest.fixture
def url(sent: list[Sent]) -> Iterator[str]:
    """Run a web server that takes everything, and give its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            sent.append(Sent(self.path, self.headers["Authorization"], self.headers["Content-Type"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def event_names(request: Sent) -> list[str]:
    """Return the names of the events in a request with logs."""
    resource_logs = ExportLogsServiceRequest.FromString(request.body).resource_logs
    return [record.event_name for logs in resource_logs for scope in logs.scope_logs for record in scope.log_records]


def test_loki_is_sent_the_events_at_its_otlp_endpoint(
    collector_binary: Path,
    tmp_path: Path,
    backends: Mapping[str, str],
    victorialogs: VictoriaLogs,
    url: str,
    sent: list[Sent],
    service: str,
) -> None:
    environment = {**backends, "LOKI_ENDPOINT": f"{url}/otlp"}
    with OneNode(collector_binary, tmp_path / "node", environment, [CONFIG / "fragments" / "loki.yaml"]) as node:
        send({"endpoint": node.http_endpoint, "service_name": service}, 4)
        wait_until(lambda: stored(victorialogs, service) == (4, 4))
        wait_until(lambda: [name for one in sent for name in event_names(one)].count("insert-rows") == 3)
        assert {(one.path, one.content_type) for one in sent} == {("/otlp/v1/logs", "application/x-protobuf")}
        wait_until(lambda: node.total("otel_events_total") == 4)


def test_grafana_cloud_is_sent_events_and_traces_with_its_credentials(
    collector_binary: Path,
    tmp_path: Path,
    backends: Mapping[str, str],
    victorialogs: VictoriaLogs,
    jaeger: Jaeger,
    url: str,
    sent: list[Sent],
    service: str,
) -> None:
    environment = {
        **backends,
        "GRAFANA_CLOUD_OTLP_ENDPOINT": f"{url}/otlp",
        "GRAFANA_CLOUD_INSTANCE_ID": "1234",
        "GRAFANA_CLOUD_API_KEY": "planted-key",
    }
    over = [CONFIG / "fragments" / "grafana-cloud.yaml"]
    with OneNode(collector_binary, tmp_path / "node", environment, over) as node:
        configure = {"endpoint": node.http_endpoint, "service_name": service, "signals": "logs,traces"}
        with Application({**configure, "pipeline": "auto"}, 4) as application:
            assert application.finish()["tracked"] == 4
        wait_until(lambda: stored(victorialogs, service) == (4, 4))
        wait_until(lambda: spans_of(jaeger, service, 4))
        wait_until(lambda: {one.path for one in sent} == {"/otlp/v1/logs", "/otlp/v1/traces"})
        credentials = base64.b64encode(b"1234:planted-key").decode()
        assert {one.authorization for one in sent} == {f"Basic {credentials}"}
        assert "planted-key" not in node.log()

    logs = [name for one in sent if one.path.endswith("/logs") for name in event_names(one)]
    assert logs.count("insert-rows") == 3
    traces = [ExportTraceServiceRequest.FromString(one.body) for one in sent if one.path.endswith("/traces")]
    spans = [span for trace in traces for rs in trace.resource_spans for ss in rs.scope_spans for span in ss.spans]
    assert len(spans) == 4
