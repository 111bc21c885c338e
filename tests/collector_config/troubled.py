"""An application of the tests, a process of its own, whose metrics get to the Collector and whose events do not.

Standard input is a line of JSON with its options; when that ends, it ends. Of its two trackers one has a small queue and
nobody who answers, the other one somebody who refuses.
"""

from __future__ import annotations

import json
import sys
import threading

from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

import otel_events
from otel_events import Login

PAUSE_SECONDS = 0.05
EXPORT_MILLISECONDS = 500.0
QUEUE_RECORDS = "8"


def main() -> None:
    """Do what the options say.

    `service`: its name. `collector`: where metrics go. `nobody`: an address where nobody answers. `refusing`: one where
    somebody refuses.
    """
    options: dict[str, str] = json.loads(sys.stdin.readline())
    exporter = OTLPMetricExporter(endpoint=f"{options['collector']}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=EXPORT_MILLISECONDS)
    provider = MeterProvider([reader], resource=Resource.create({"service.name": options["service"]}))
    metrics.set_meter_provider(provider)
    trackers = [
        otel_events.configure(
            event_types=[Login],
            pipeline="direct",
            service_name=options["service"],
            endpoint=options[where],
            environ={"OTEL_BLRP_MAX_QUEUE_SIZE": QUEUE_RECORDS, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": QUEUE_RECORDS},
        )
        for where in ("nobody", "refusing")
    ]
    ended = threading.Event()
    threading.Thread(target=wait_for_end, args=(ended,), daemon=True).start()
    while not ended.wait(PAUSE_SECONDS):
        for tracker in trackers:
            tracker.track(Login(actor="alice"))
    provider.shutdown()
    for tracker in trackers:
        tracker.shutdown(timeout=0.0)


def wait_for_end(ended: threading.Event) -> None:
    """Wait for the end of standard input."""
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main()
