"""Kills one of two gateways under load, and looks for what is missing: `python -m tests.collector_config.soak_kafka`.

Applications with a journal send through agent.yaml, Kafka and gateway.yaml to VictoriaLogs. When a part of the events is
there, a gateway is killed, and the other one takes over its partitions. In the end each event has to be in VictoriaLogs; how
many are there twice is shown, and that `log.record.uid` tells them. The suite does the same with few events.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from otel_events.verification.sources import verify
from tests.backends.binaries import COLLECTOR, KAFKA, VICTORIALOGS
from tests.backends.kafka import Kafka
from tests.backends.servers import VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.brokered import Agent, Gateway, Topics
from tests.collector_config.node import Application, stored

PARTITIONS = 12
THREADS = 4
# Of all events, when the gateway is killed.
KILLED_AT = 0.3
ARRIVAL_SECONDS = 900.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it.

    Returns:
        0 when every event arrived, 1 when one is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.collector_config.soak_kafka", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many are tracked")
    parser.add_argument("--processes", type=int, default=8, help="by how many applications")
    options = parser.parse_args(arguments)
    service = f"soak-{uuid.uuid4()}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        victorialogs = stack.enter_context(VictoriaLogs(VICTORIALOGS.path, folder / "victorialogs"))
        kafka = stack.enter_context(Kafka(KAFKA.folder, folder / "kafka"))
        topics = Topics(kafka, "soak")
        topics.create(partitions=PARTITIONS)
        agent = stack.enter_context(Agent(COLLECTOR.path, folder / "agent", topics))
        backends = {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
        gateways = [
            stack.enter_context(Gateway(COLLECTOR.path, folder / f"gateway-{number}", topics, backends))
            for number in range(2)
        ]
        began = time.monotonic()
        share = options.events // options.processes
        applications = [
            stack.enter_context(Application(configuration(agent, service, folder), share, threads=THREADS))
            for _ in range(options.processes)
        ]
        tracked = share * options.processes
        wait_until(lambda: stored(victorialogs, service)[1] > tracked * KILLED_AT, ARRIVAL_SECONDS)
        handled = [gateway.total("otel_events_total") for gateway in gateways]
        gateways[1].stop(kill=True)
        killed = time.monotonic() - began
        print(f"after {killed:.0f} s one gateway killed; the two had handled {handled[0]:,.0f} and {handled[1]:,.0f}")
        became = [application.finish(ARRIVAL_SECONDS) for application in applications]
        print(f"applications ended after {time.monotonic() - began:.0f} s: {total(became)}")
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: stored(victorialogs, service)[1] >= tracked, ARRIVAL_SECONDS)
        print(f"all there after {time.monotonic() - began:.0f} s; uncommitted messages: {topics.lag()}")
        return judge(victorialogs, service, tracked)


def judge(victorialogs: VictoriaLogs, service: str, tracked: int) -> int:
    """Print what is in VictoriaLogs, and return 1 when an event is missing."""
    records, uids = stored(victorialogs, service)
    without = victorialogs.query(
        f'{{service.name="{service}"}} -event_name:="otel_events.checkpoint" | uniq by (log.record.uid) | stats count() as n'
    )[0]["n"]
    print(f"tracked {tracked:,}; in VictoriaLogs {records:,} records, {uids:,} uids: {records - uids:,} came twice")
    print(f"with `uniq by (log.record.uid)`: {int(without):,}")
    totals = verify([victorialogs.url], service).totals
    print(f"otel-events verify: {totals}")
    return 0 if uids == int(without) == totals["events"] == tracked and not totals["missing"] else 1


def configuration(agent: Agent, service: str, folder: Path) -> dict[str, str]:
    """Return the arguments of `otel_events.configure`."""
    return {
        "endpoint": agent.http_endpoint,
        "service_name": service,
        "delivery": "journal",
        "journal": str(folder / "journal"),
    }


def total(became: Sequence[dict[str, int]]) -> dict[str, int]:
    """Return the sums of what became of the events of each application."""
    return {key: sum(one[key] for one in became) for key in became[0]}


if __name__ == "__main__":
    sys.exit(main())
