"""Running examples as their readers do: as scripts, in processes of their own."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from otel_events.receiver import Receiver
from otel_events.receiver.rows import StoredEvent

EXAMPLES = Path(__file__).parents[2] / "examples"
WAIT_SECONDS = 60.0


def run_example(name: str, environ: Mapping[str, str]) -> str:
    """Run an example to its end, which has to be a good and a quiet one, and give what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], env=environ, capture_output=True, text=True, timeout=WAIT_SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def promised_output(name: str) -> str:
    """Give what an example's docstring says that it prints: its last block."""
    docstring = ast.get_docstring(ast.parse((EXAMPLES / name).read_text())) or ""
    return textwrap.dedent(docstring.rpartition("::\n\n")[2]) + "\n"


@contextmanager
def serve_example(name: str, environ: Mapping[str, str]) -> Iterator[int]:
    """Run an example that is a server, on a free port; give the port, and terminate it in the end."""
    command = [sys.executable, str(EXAMPLES / name)]
    with (
        tempfile.NamedTemporaryFile() as log,
        subprocess.Popen(command, env={**environ, "PORT": "0"}, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield _port(process, Path(log.name))
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait until the server says where it listens."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        said = re.search(r"http://127\.0\.0\.1:([1-9]\d*)\s", log.read_text())
        if said is not None:
            return int(said[1])
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def arrived(receiver: Receiver, count: int) -> list[StoredEvent]:
    """Wait until so many events arrived, and give all that did."""
    deadline = time.monotonic() + WAIT_SECONDS
    while len(events := receiver.store.events()) < count:
        newest = receiver.store.newest_id
        assert receiver.store.wait_for_new(newest, deadline - time.monotonic()), f"{len(events)} of {count} arrived"
    assert len(events) == count
    return events
