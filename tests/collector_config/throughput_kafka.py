"""Measures the way with Kafka, for SIZING.md: `python -m tests.collector_config.throughput_kafka`.

Requests made beforehand, of events that all differ, go to the agent as fast as it takes them, while no gateway runs; then a
gateway reads what is in Kafka. So each is measured alone, though sender, Kafka and VictoriaLogs run on the same machine.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import itertools
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from uuid import UUID

from benchmarks.machine import describe, line
from otel_events import Event, LoginFailed, to_log_record
from otel_events.direct.encoder import encode_record
from otel_events.direct.envelope import Envelope
from otel_events.stamp import Stamper
from tests.backends.binaries import COLLECTOR, KAFKA, VICTORIALOGS
from tests.backends.kafka import Kafka
from tests.backends.process import Server, fetch
from tests.backends.servers import VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.brokered import Agent, Gateway, Topics
from tests.collector_config.node import stored

INSTANCES = 48
CONNECTIONS = 8
BATCH = 512
SETTLE_SECONDS = 900.0
TICKS = os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.collector_config.throughput_kafka", description=__doc__)
    parser.add_argument("--events", type=int, default=500_000, help="how many are sent")
    parser.add_argument(
        "--partitions", type=int, default=12, help="of the topic; each is read by one gateway, in its order"
    )
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        kafka = stack.enter_context(Kafka(KAFKA.folder, folder / "kafka"))
        topics = Topics(kafka, "sizing")
        topics.create(partitions=options.partitions)
        each = options.events // BATCH // INSTANCES
        of_instances = [list(requests_of(str(number), each)) for number in range(INSTANCES)]
        bodies = [body for second in zip(*of_instances, strict=True) for body in second]
        events = len(bodies) * BATCH
        print(f"{line(describe())}; load average before: {os.getloadavg()[0]:.1f}")
        print(f"{events:,} events, {BATCH} a request, {INSTANCES} instances, {options.partitions} partitions")
        size = sum(map(len, bodies)) / len(bodies) / BATCH
        packed = sum(len(gzip.compress(one)) for one in bodies[:INSTANCES]) / INSTANCES / BATCH
        print(f"on the wire: {size:.0f} bytes an event, {packed:.0f} with gzip")

        agent = stack.enter_context(Agent(COLLECTOR.path, folder / "agent", topics))
        used = Used({"agent": agent, "kafka": kafka}, events)
        send(agent, bodies)
        used.show("taken by the agent")
        wait_until(lambda: agent.telemetry("otelcol_exporter_sent_log_records") >= events, SETTLE_SECONDS)
        used.show("in Kafka")
        agent.stop()
        print(f"in Kafka: {bytes_below(kafka.data, 'sizing-logs-*/*.log') / events:.0f} bytes an event, each copy")

        victorialogs = stack.enter_context(VictoriaLogs(VICTORIALOGS.path, folder / "victorialogs"))
        backends = {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
        gateway = stack.enter_context(Gateway(COLLECTOR.path, folder / "gateway", topics, backends))
        used = Used({"gateway": gateway, "kafka": kafka, "victorialogs": victorialogs}, events)
        wait_until(lambda: gateway.telemetry("otelcol_exporter_sent_log_records") >= events, SETTLE_SECONDS)
        used.show("stored and counted by one gateway")
        records, _ = stored(victorialogs, "shop")
        assert records >= events, records
        fetch(f"{victorialogs.url}/internal/force_merge")
        wait_until(lambda: "has been successfully finished" in victorialogs.log(), SETTLE_SECONDS)
        victorialogs.stop()
        print(f"in VictoriaLogs: {bytes_below(victorialogs.folder / 'data', '**/*') / records:.1f} bytes an event")
    return 0


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    order_id: str
    total: Decimal
    items: int
    country: str


class Used:
    """What servers use from now on."""

    def __init__(self, servers: dict[str, Server], events: int) -> None:
        """Begin.

        Args:
            servers: by name.
            events: how many they handle.
        """
        self._events = events
        self._began = time.monotonic()
        self._servers = servers
        self._before = {name: cpu_seconds(server) for name, server in servers.items()}

    def show(self, what: str) -> None:
        """Print the time since then, and the CPU of each for 10,000 events."""
        seconds = time.monotonic() - self._began
        used = {
            name: (cpu_seconds(server) - self._before[name]) / self._events * 10_000
            for name, server in self._servers.items()
        }
        shown = ", ".join(f"{name} {value:.3f} s" for name, value in used.items())
        memory = ", ".join(f"{name} {peak_megabytes(server):.0f} MB" for name, server in self._servers.items())
        rate = self._events / seconds
        print(
            f"{what}: {seconds:.1f} s, {rate:,.0f} events/s; CPU for 10,000 events: {shown}; at most {memory}",
            flush=True,
        )


def cpu_seconds(server: Server) -> float:
    """Return the seconds of CPU that a server has used, as Linux says."""
    fields = Path(f"/proc/{server.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_megabytes(server: Server) -> float:
    """Return the greatest resident memory that a server has had, as Linux says."""
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1_000


def send(agent: Agent, bodies: Sequence[bytes]) -> None:
    """Send requests, over several connections, as fast as they are taken."""
    numbers = itertools.count()
    refused: list[int] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", agent.ports["otlp_http"], timeout=60)
        while (number := next(numbers)) < len(bodies):
            headers = {"Content-Type": "application/x-protobuf"}
            connection.request("POST", "/v1/logs", bodies[number], headers)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                refused.append(response.status)
        connection.close()

    senders = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert not refused, refused


def requests_of(instance: str, count: int) -> Iterator[bytes]:
    """Yield so many requests of an instance, a second of its time apart."""
    stamper, random = Stamper(), Random(instance)
    envelope = Envelope({"service.name": "shop", "service.instance.id": instance, "host.name": f"host-{instance}"})
    for second in range(count):
        records = []
        for _ in range(BATCH):
            made = stamper.stamp()
            stamp = made._replace(
                observed_ns=made.observed_ns + second * 10**9,
                trace_id=random.getrandbits(128),
                span_id=random.getrandbits(64),
            )
            records.append(encode_record(to_log_record(event(random), stamp=stamp)))
        yield envelope.wrap(records)


def event(random: Random) -> Event:
    """Return an event: one of ten is a LoginFailed, the others are OrderPlaced."""
    actor = f"user-{random.randrange(100_000)}"
    if random.random() < 0.1:
        return LoginFailed(actor=actor, reason="wrong password")
    total = Decimal(random.randrange(1, 100_000)) / 100
    order_id = str(UUID(int=random.getrandbits(128)))
    return OrderPlaced(actor=actor, order_id=order_id, total=total, items=random.randrange(1, 9), country="DE")


def bytes_below(folder: Path, pattern: str) -> int:
    """Return the bytes of the files that a pattern finds, as far as they are written."""
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
