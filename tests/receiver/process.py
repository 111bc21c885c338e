"""A receiver in a process of its own, whose memory can be measured and which can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from otel_events.receiver import Receiver
from tests.peak import peak_kib


class ReceiverProcess:
    """A receiver, while the block lasts.

    Attributes:
        http_port: Its port for OTLP over HTTP.
        grpc_port: Its port for OTLP over gRPC.
    """

    def __init__(self, database: Path, **options: Any) -> None:
        command = [sys.executable, "-m", "tests.receiver.process", str(database), json.dumps(options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = cast("IO[str]", self._process.stdout).readline()
        self.http_port, self.grpc_port = json.loads(line)

    def memory_mib(self) -> float:
        """Give the most memory that it ever had; only on Linux."""
        peak = peak_kib(self._process.pid)
        assert peak > 0
        return peak / 1024

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.communicate(timeout=30.0)

    def __enter__(self) -> ReceiverProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.is_alive:
            self._process.communicate("\n", timeout=60.0)


def main() -> None:
    """Run a receiver until a line comes."""
    with Receiver(sys.argv[1], http_port=0, grpc_port=0, **json.loads(sys.argv[2])) as receiver:
        print(json.dumps([receiver.http_port, receiver.grpc_port]), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
