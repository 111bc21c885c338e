"""Runs ways, each in a process of its own, against the same servers, and counts what arrived."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from benchmarks import arrivals
from benchmarks.passes import Amounts
from benchmarks.relay import Relay
from benchmarks.servers import ReceivingDatasette, make_collector
from benchmarks.ways import Way
from tests.backends.binaries import COLLECTOR
from tests.backends.kinds import GO_VERSION

ROOT: Final = Path(__file__).parents[1]
CHILD_SECONDS: Final = 1200.0
SHOWN_CHARACTERS: Final = 2_000


@dataclass(frozen=True)
class Queueing:
    """The queue of every way, set by the standard variables.

    Args:
        max_records: ``OTEL_BLRP_MAX_QUEUE_SIZE``, and for spans ``OTEL_BSP_MAX_QUEUE_SIZE``.
        batch_records: ``OTEL_BLRP_MAX_EXPORT_BATCH_SIZE``, and for spans ``OTEL_BSP_MAX_EXPORT_BATCH_SIZE``.
    """

    max_records: int
    batch_records: int

    def environment(self) -> dict[str, str]:
        """Return the variables."""
        sizes = {"MAX_QUEUE_SIZE": self.max_records, "MAX_EXPORT_BATCH_SIZE": self.batch_records}
        return {f"OTEL_{kind}_{name}": str(size) for kind in ("BLRP", "BSP") for name, size in sizes.items()}


def clean_environment(queueing: Queueing) -> dict[str, str]:
    """Return the environment of a way's process: this one's, in which no ``OTEL_*`` is set but the queue's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**inherited, **queueing.environment()}


class WayError(Exception):
    """The process of a way failed; the text has what it said."""


class Bench:
    """The servers, while it is entered.

    Args:
        folder: For what the servers and the ways keep.
        queueing: The queue of every way.
    """

    def __init__(self, folder: Path, queueing: Queueing) -> None:
        self.collector = make_collector(folder / "collector")
        self._receiver = ReceivingDatasette(folder / "receiver")
        self._folder = folder
        self._queueing = queueing
        self._token = ""
        self._runs = 0
        self._spoke: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        if not COLLECTOR.path.exists():
            raise SystemExit(
                f"The Collector is not built ({COLLECTOR.path}): install Go {GO_VERSION} or newer, run `make backends`."
            )
        self._stack.enter_context(self.collector)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(
        self,
        way: Way,
        amounts: Amounts,
        *,
        fields: tuple[int, int] | None = None,
        threads: int = 1,
        queueing: Queueing | None = None,
        endpoint: str | None = None,
    ) -> dict[str, float]:
        """Measure a way once.

        Args:
            way: The way.
            amounts: How much it tracks.
            fields: Number and length of the fields; None for the usual workload.
            threads: How many threads track, where the calls are synchronous.
            queueing: Another queue.
            endpoint: Where it sends to, instead of the server.

        Returns:
            What its process measured, and ``arrived`` and ``expected``.

        Raises:
            WayError: Its process failed.
        """
        self._runs += 1
        service = f"{way.name}-{self._runs}"
        folder = self._folder / service
        folder.mkdir()
        files = {"logs": self.collector.logs_file, "spans": self.collector.traces_file}
        offsets = {signal: path.stat().st_size if path.exists() else 0 for signal, path in files.items()}
        task = {
            "way": way.name,
            "endpoint": endpoint or self._endpoint(way),
            "service": service,
            "folder": str(folder),
            "token": self._token,
            "amounts": dataclasses.asdict(amounts),
            "fields": fields,
            "threads": threads,
        }
        result = self._child(way, task, queueing or self._queueing)
        if way.arrives == "database":
            found = arrivals.in_database(folder / "internal.db", "datasette_events")
        elif way.arrives == "forwarded":
            found = arrivals.in_database(self._receiver.database, "datasette_events", service)
        else:
            found = arrivals.in_collector(files[way.arrives], way.arrives, service, offsets[way.arrives])
        shutil.rmtree(folder)
        return {**result, "arrived": len(found), "expected": amounts.total}

    def wire_bytes(self, way: Way, events: int) -> float | None:
        """Return how many bytes a way sends for an event, HTTP's or gRPC's own included; None where it sends nothing.

        Raises:
            WayError: Its process failed, or not everything arrived.
        """
        if way.protocol == "none":
            return None
        with Relay(int(self._endpoint(way).rpartition(":")[2])) as relay:
            result = self.run(way, Amounts(events, 0, events), endpoint=relay.endpoint)
            if result["arrived"] != result["expected"]:
                raise WayError(
                    f"{way.name}: only {result['arrived']:,} of {result['expected']:,} came through the relay"
                )
            return relay.sent_bytes / (2 * events)  # the first chunk, which does not count elsewhere, was sent too

    def _child(self, way: Way, task: dict[str, Any], queueing: Queueing) -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.child"],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=clean_environment(queueing),
            timeout=CHILD_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise WayError(f"{way.name}: its process ended with {done.returncode}: {done.stderr[-SHOWN_CHARACTERS:]}")
        if done.stderr and way.name not in self._spoke:
            self._spoke.add(way.name)
            print(f"{way.name} says: {done.stderr[-SHOWN_CHARACTERS:]}", file=sys.stderr)
        result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return result

    def _endpoint(self, way: Way) -> str:
        if way.protocol == "datasette" and not self._receiver.running:
            self._stack.enter_context(self._receiver)
            self._token = self._receiver.token()
        endpoints = {"http": self.collector.http_endpoint, "grpc": self.collector.grpc_endpoint, "none": ""}
        return self._receiver.endpoint if way.protocol == "datasette" else endpoints[way.protocol]


def scaled(way: Way, amounts: Amounts) -> Amounts:
    """Return a way's share of the amounts."""
    events, calls = (max(int(amount * way.share), 1) for amount in (amounts.events, amounts.calls))
    return Amounts(events, calls, max(int(amounts.chunk * way.share), 1))


def say(text: str) -> None:
    """Show what is being done, in one line of a terminal that the next one replaces."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
