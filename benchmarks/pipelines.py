"""What an event costs on each pipeline, created, tracked, and acknowledged by a real Collector (`make bench`).

Each way runs in a process of its own, one after the other, against one Collector. The numbers of one run can be compared with
each other, and with nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import otel_events
from otel_events import Event
from tests.backends.binaries import COLLECTOR
from tests.backends.servers import Collector

WAYS: Final = (
    ("sdk", "http/protobuf"),
    ("sdk", "grpc"),
    ("direct", "http/protobuf"),
    ("direct", "grpc"),
)
CHUNK: Final = 1000
"""The SDK's queue holds 2,048 records and drops the oldest: so many at a time, and a flush, lose none on either side."""


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    namespace = "shop"
    order_id: str
    customer: str
    country: str
    total: float
    items: int
    express: bool
    voucher: str | None = None


def cpu_seconds() -> float:
    """Return the CPU time that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def track(pipeline: str, protocol: str, endpoint: str, events: int) -> dict[str, Any]:
    """Track events and return what it took; runs in a process of its own."""
    tracker = otel_events.configure(
        event_types=[OrderPlaced],
        pipeline=pipeline,
        protocol=protocol,
        endpoint=endpoint,
        service_name=f"{pipeline}-{protocol}",
        environ={},
    )
    actor = {"id": "alice"}

    def chunk(start: int, count: int) -> None:
        for number in range(start, start + count):
            tracker.track(OrderPlaced(f"o-{number}", "c-17", "NL", 9.99, number % 7, True, actor=actor))
        tracker.flush(60.0)

    chunk(0, CHUNK)  # connections are made, plans compiled
    began, cpu_began = time.perf_counter(), cpu_seconds()
    for start in range(0, events, CHUNK):
        chunk(start, min(CHUNK, events - start))
    outcome = tracker.shutdown(60.0)
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu_began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "cpu_us": cpu / events * 1e6,
        "per_second": events / seconds,
        "peak_mib": peak,
        "lost": (outcome.lost or 0) + (outcome.pending or 0),
    }


def main() -> int:
    """Run every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="events for each way (default: %(default)s)")
    parser.add_argument("--way", nargs=3, metavar=("PIPELINE", "PROTOCOL", "ENDPOINT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(track(*arguments.way, arguments.events)))
        return 0
    missing = 0
    print(
        f"{'pipeline':<10}{'protocol':<16}{'CPU/event':>12}{'events/s':>12}{'peak memory':>14}{'arrived':>20}   ratio of CPU"
    )
    with tempfile.TemporaryDirectory() as folder, Collector(COLLECTOR.path, Path(folder)) as collector:
        first = None
        for pipeline, protocol in WAYS:
            endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
            command = [sys.executable, "-m", "benchmarks.pipelines", "--events", str(arguments.events)]
            done = subprocess.run(
                [*command, "--way", pipeline, protocol, endpoint], check=True, stdout=subprocess.PIPE, text=True
            )
            result = json.loads(done.stdout)
            uids = {record.attributes["log.record.uid"] for record in collector.log_records(f"{pipeline}-{protocol}")}
            expected = arguments.events + CHUNK
            missing += expected - len(uids)
            first = first or result["cpu_us"]
            print(
                f"{pipeline:<10}{protocol:<16}{result['cpu_us']:>9.1f} µs{result['per_second']:>12,.0f}"
                f"{result['peak_mib']:>10.0f} MiB{f'{len(uids):,} of {expected:,}':>20}   1/{first / result['cpu_us']:.1f}"
            )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
