"""One cell of the matrix: an application, a proxy, the real Collector, a journal, and the count in the end."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.matrix.application import Plan, argument
from tests.matrix.ledger import SUCCESSORS, Kept, Tally, Told, kept_in, tally
from tests.matrix.proxy import Proxy

ROOT = Path(__file__).parents[2]
END_SECONDS = 30.0


class Process:
    """An application that runs.

    Args:
        plan: What it does.
        collected: Gets what it is told of its events.

    Attributes:
        stats: What it counted in the end, in each of its processes.
        errors: What it printed on standard error.
    """

    def __init__(self, plan: Plan, collected: list[Told]) -> None:
        self.stats: list[dict[str, Any]] = []
        self.errors = ""
        self.tracked_kib = 0
        self._told = collected
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.matrix.application", argument(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**inherited, "PYTHONWARNINGS": "error"},
        )
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not come to its end."""
        return self._process.poll() is None

    def tracked(self, seconds: float = END_SECONDS) -> None:
        """Wait until it has tracked all."""
        wait_until(lambda: self.tracked_kib or not self.running, seconds)
        assert self.tracked_kib, self.errors

    def go_on(self) -> None:
        """Let it come to its end."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("go\n")
            self._process.stdin.flush()

    def finish(self, seconds: float = END_SECONDS) -> None:
        """Let it come to its end, and wait for that."""
        self.go_on()
        code = self._process.wait(seconds)
        self._join()
        assert code == 0, self.errors

    def kill(self) -> None:
        """End it, as ``kill -9`` does."""
        self._process.kill()
        self._process.wait()
        self._join()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith("\n"):
                break
            what, _, rest = line.strip().partition(" ")
            if what == "tracked":
                self.tracked_kib = int(rest)
            elif what == "end":
                self.stats.append(json.loads(rest))
            else:
                number, seconds = rest.split()
                self._told.append(Told(int(number), float(seconds), what == "ack"))

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self.errors = self._process.stderr.read()


class Scene:
    """What a cell is played with.

    Args:
        collector: Runs; a cell that stops it starts it again.
        proxy: In front of it.
        folder: For the journal, and the file with headers.
        delivery: Of the events.
        name: Of the cell, and of the service.
    """

    def __init__(self, collector: Collector, proxy: Proxy, folder: Path, delivery: str, name: str) -> None:
        self.collector = collector
        self.proxy = proxy
        self.journal = folder / "journal"
        self.headers = folder / "headers"
        self.delivery = delivery
        self.service = name
        self.told: list[Told] = []
        self._stats: list[dict[str, Any]] = []
        self._alive = True

    @contextlib.contextmanager
    def application(self, **changes: Any) -> Iterator[Process]:
        """Run an application for the block, and see to its end.

        Args:
            changes: Of its plan.
        """
        first = changes.get("first", 0)
        process = Process(self.plan(**changes), [] if first >= SUCCESSORS else self.told)
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        if process.running:
            process.finish()
        if first < SUCCESSORS:
            self._stats += process.stats
            self._alive = bool(process.stats) and self._alive

    def plan(self, **changes: Any) -> Plan:
        """Return what an application does."""
        usual = {
            "endpoint": self.proxy.endpoint,
            "service": self.service,
            "delivery": self.delivery,
            "journal": str(self.journal),
        }
        return Plan(**{**usual, **changes})

    def successor(self, number: int = 0, **changes: Any) -> None:
        """Run the next process of the application, with one event that does not count."""
        with self.application(events=1, first=SUCCESSORS + number, **changes):
            pass

    def kept(self) -> Kept:
        """Look into the journal."""
        return kept_in(self.journal)

    def tally(self) -> Tally:
        """Count what became of the events."""
        return tally(self.told, self.collector.log_records(self.service), self.kept(), self._stats, self._alive)


@contextlib.contextmanager
def scene(collector: Collector, folder: Path, delivery: str, name: str) -> Iterator[Scene]:
    """Set a scene for the block.

    Args:
        collector: Runs.
        folder: For the journal.
        delivery: Of the events.
        name: Of the cell.
    """
    with Proxy(collector.http_endpoint) as proxy:
        yield Scene(collector, proxy, folder, delivery, name)
