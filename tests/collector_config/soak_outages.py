"""Takes each server away for a minute, under load: `python -m tests.collector_config.soak_outages`.

They are VictoriaLogs, Prometheus and the Collector; two applications with a journal track all the while. In the end each of their
events has to be in VictoriaLogs; how many are there twice, and what Prometheus has counted, is shown. The suite does the same
with outages of moments.
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

from tests.backends.binaries import COLLECTOR, PROMETHEUS, VICTORIALOGS
from tests.backends.process import Server
from tests.backends.prometheus import Prometheus
from tests.backends.servers import VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.node import Application, OneNode, scraping, stored

BETWEEN_SECONDS = 10.0
RECOVERY_SECONDS = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it.

    Returns:
        0 when every event arrived, 1 when one is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.collector_config.soak_outages", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each outage lasts")
    options = parser.parse_args(arguments)
    service = f"soak-{uuid.uuid4()}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        victorialogs = stack.enter_context(VictoriaLogs(VICTORIALOGS.path, folder / "victorialogs"))
        environment = {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
        node = stack.enter_context(OneNode(COLLECTOR.path, folder / "node", environment))
        prometheus = stack.enter_context(Prometheus(PROMETHEUS.path, folder / "prometheus", scraping(node, "5s")))
        configure = {
            "endpoint": node.http_endpoint,
            "service_name": service,
            "delivery": "journal",
            "journal": str(folder / "journal"),
        }
        applications = [stack.enter_context(Application(configure, threads=4)) for _ in range(2)]
        for server in (victorialogs, prometheus, node):
            time.sleep(BETWEEN_SECONDS)
            take_away(server, options.seconds)
        time.sleep(BETWEEN_SECONDS)
        tracked = sum(application.finish()["tracked"] for application in applications)
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: stored(victorialogs, service)[1] >= tracked, RECOVERY_SECONDS)
        events, uids = stored(victorialogs, service)
        counted = sum(sample.value for sample in prometheus.query("sum(increase(otel_events_total[1h]))"))
        print(f"tracked {tracked:,}; in VictoriaLogs {uids:,}, of which {events - uids:,} twice")
        print(f"Prometheus, whose counter began anew when the Collector was killed: increase of about {counted:,.0f}")
        return 0 if uids == tracked else 1


def take_away(server: Server, seconds: float) -> None:
    """End a server, the Collector by killing it, and start it again after a while."""
    print(f"{type(server).__name__} down for {seconds:g} s", flush=True)
    # VictoriaLogs acknowledges what it saves within the next seconds: killed, it would lose that.
    server.stop(kill=isinstance(server, OneNode))
    time.sleep(seconds)
    server.start()


if __name__ == "__main__":
    sys.exit(main())
