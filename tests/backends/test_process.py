"""A server comes up on free ports, says why when it does not, and ends with the process that started it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.backends import process
from tests.backends.binaries import COLLECTOR, JAEGER, VICTORIALOGS
from tests.backends.fixtures import require_binary
from tests.backends.kinds import Backend
from tests.backends.process import Server, ServerError
from tests.backends.servers import Collector, Jaeger, VictoriaLogs
from tests.backends.wait import wait_until


@pytest.mark.backends
@pytest.mark.parametrize(
    ("server", "backend"),
    [(Collector, COLLECTOR), (Jaeger, JAEGER), (VictoriaLogs, VICTORIALOGS)],
    ids=["collector", "jaeger", "victorialogs"],
)
def test_a_port_taken_in_between_is_replaced(
    server: type[Server], backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = require_binary(backend)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        choose = process.free_ports
        choices = iter([[port, *choose(len(server.port_names) - 1)]])
        monkeypatch.setattr(process, "free_ports", lambda count: next(choices, None) or choose(count))
        with server(binary, tmp_path) as started:
            assert started.running
            assert port not in started.ports.values()
        assert "address already in use" in started.log_path.read_text()


def test_a_server_that_does_not_start_shows_its_log(collector_binary: Path, tmp_path: Path) -> None:
    collector = Collector(collector_binary, tmp_path, [{"receivers": {"no_such_receiver": {}}}])
    with pytest.raises(ServerError, match=r"(?s)Collector ended instead of starting.*no_such_receiver"):
        collector.start()
    assert not collector.running


HOLDER = """
import os, sys
from pathlib import Path
from tests.backends.servers import Collector

with Collector(Path(sys.argv[1]), Path(sys.argv[2])) as collector:
    child = os.fork()
    if child == 0:
        sys.exit(0)  # unwinds the `with` and runs atexit
    os.waitpid(child, 0)
    print(collector.ports["health_check"], flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_server_outlives_a_forked_child_and_ends_with_the_process_that_started_it(
    end: signal.Signals, collector_binary: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOLDER, str(collector_binary), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline())
        assert listens(port)
        holder.send_signal(end)
        holder.wait(20)
        wait_until(lambda: not listens(port))


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_wait_until_returns_the_first_true_value() -> None:
    values = iter([0, [], "there", "later"])
    assert wait_until(lambda: next(values)) == "there"


def test_wait_until_shows_the_last_value_at_its_deadline() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"not true within 0.2 s; the last value was \[\]"):
        wait_until(list, timeout=0.2)
    assert 0.2 <= time.monotonic() - began < 5
