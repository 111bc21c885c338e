"""Measures the one-node configuration: `python -m tests.collector_config.throughput`.

Requests made beforehand, of events as an application sends them, go to the Collector over HTTP at a given rate, then as fast as
it takes them; VictoriaLogs and the sender run on the same machine. Shown are the events a second that were asked for and taken,
the events in a request, and what each of the servers needs.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import describe, line
from otel_events import InsertRows, to_log_record
from otel_events.direct.encoder import encode_record
from otel_events.direct.envelope import Envelope
from otel_events.stamp import Stamper
from tests.backends.binaries import COLLECTOR, VICTORIALOGS
from tests.backends.process import fetch
from tests.backends.servers import VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.node import OneNode, samples

ACTORS = 100
BODIES = 4
DRAIN_SECONDS = 300.0
SYNCS = 200
HEADINGS = "asked | a request | taken | refused | Collector CPU s | per 10,000 events | RSS MB | drained"


@dataclass(frozen=True)
class Load:
    """What is sent: `rate` events a second (0: as many as are taken), `size` of them in a request, over so many connections."""

    rate: int
    size: int
    connections: int = 4


@dataclass
class Seen:
    """What came of a load."""

    taken: int
    refused: int
    seconds: float
    collector_cpu: float
    victorialogs_cpu: float
    rss: float
    drained_seconds: float

    def row(self, load: Load) -> list[str]:
        """Return what there is to show of it."""
        per_ten_thousand = self.collector_cpu / self.taken * 10_000
        victorialogs = self.victorialogs_cpu / self.taken * 10_000
        return [
            f"{load.rate:,}" if load.rate else "all",
            f"{load.size:,}",
            f"{self.taken / self.seconds:,.0f}",
            f"{self.refused:,}",
            f"{self.collector_cpu:.1f} in {self.seconds:.0f} s",
            f"{per_ten_thousand:.3f} s (VictoriaLogs {victorialogs:.3f} s)",
            f"{self.rss / 1e6:.0f}",
            f"{self.drained_seconds:.1f} s",
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.collector_config.throughput", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each load lasts")
    options = parser.parse_args(arguments)
    loads = [Load(1_000, 512), Load(10_000, 512), Load(10_000, 4_096), Load(0, 512), Load(0, 4_096)]
    with tempfile.TemporaryDirectory() as folder:
        print(line(describe()))
        print(f"load average before: {os.getloadavg()[0]:.1f}")
        print(f"a sync of 4 KiB on this disk takes {sync_milliseconds(Path(folder)):.2f} ms")
        print(f"an event has {len(body(512)) / 512:.0f} bytes")
        print(HEADINGS)
        for number, load in enumerate(loads):
            print(" | ".join(measure(load, options.seconds, Path(folder) / str(number)).row(load)), flush=True)
    return 0


def measure(load: Load, seconds: float, folder: Path) -> Seen:
    """Send a load to fresh servers, and wait until everything is stored and counted."""
    with (
        VictoriaLogs(VICTORIALOGS.path, folder / "victorialogs") as victorialogs,
        OneNode(COLLECTOR.path, folder / "node", {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}) as node,
    ):
        before = cpu_of(node), cpu_of(victorialogs)
        taken, refused, rss, took = send(load, seconds, node)
        began = time.monotonic()
        wait_until(lambda: node.total("otel_events_total") >= taken, DRAIN_SECONDS)
        wait_until(lambda: node.telemetry("otelcol_exporter_queue_size") == 0, DRAIN_SECONDS)
        drained = time.monotonic() - began
        # What a full queue refuses is counted all the same.
        assert refused or node.total("otel_events_total") == taken
        used = [now - then for now, then in zip((cpu_of(node), cpu_of(victorialogs)), before, strict=True)]
        return Seen(taken, refused, took, used[0], used[1], rss, drained)


def send(load: Load, seconds: float, node: OneNode) -> tuple[int, int, float, float]:
    """Send for so long; return how many events were taken, how many refused, the Collector's greatest RSS, and the seconds."""
    counts = {True: 0, False: 0}
    lock = threading.Lock()
    bodies = [body(load.size) for _ in range(BODIES)]
    began = time.monotonic()
    end = began + seconds

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", node.ports["otlp_http"], timeout=60)
        pause = load.size * load.connections / load.rate if load.rate else 0.0
        due = time.monotonic()
        number = 0
        while time.monotonic() < end:
            connection.request("POST", "/v1/logs", bodies[number % BODIES], {"Content-Type": "application/x-protobuf"})
            response = connection.getresponse()
            response.read()
            with lock:
                counts[response.status == 200] += load.size
            number += 1
            due += pause
            time.sleep(max(0.0, due - time.monotonic()))
        connection.close()

    senders = [threading.Thread(target=work) for _ in range(load.connections)]
    for sender in senders:
        sender.start()
    rss = 0.0
    while any(sender.is_alive() for sender in senders):
        rss = max(rss, node.telemetry("otelcol_process_memory_rss"))
        time.sleep(0.5)
    return counts[True], counts[False], rss, time.monotonic() - began


def body(size: int) -> bytes:
    """Return a request with so many events."""
    stamper = Stamper()
    events = [
        InsertRows(actor={"id": f"user-{number % ACTORS}"}, database="shop", table="orders", num_rows=number % 5)
        for number in range(size)
    ]
    records = [encode_record(to_log_record(event, stamp=stamper.stamp())) for event in events]
    return Envelope({"service.name": "shop", "service.instance.id": "0c1e4a52"}).wrap(records)


def cpu_of(server: OneNode | VictoriaLogs) -> float:
    """Return the seconds of CPU that a server has used, as it says itself."""
    if isinstance(server, OneNode):
        return server.telemetry("otelcol_process_cpu_seconds")
    return sum(
        sample.value for sample in samples(fetch(f"{server.url}/metrics").decode(), "process_cpu_seconds_total", {})
    )


def sync_milliseconds(folder: Path) -> float:
    """Return how long it takes to write and sync 4 KiB on the disk of a folder."""
    with (folder / "sync").open("wb", buffering=0) as file:
        began = time.monotonic()
        for _ in range(SYNCS):
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
        return (time.monotonic() - began) / SYNCS * 1_000


if __name__ == "__main__":
    sys.exit(main())
