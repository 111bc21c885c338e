"""What the journal's tests share: processes of their own that a test watches, kills, traces, or has run out of room."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from otel_events.direct.envelope import Envelope
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import DeadLetter
from otel_events.direct.protobuf import field
from tests.direct.tracing import require_strace
from tests.receiver.support import log_record

BEFORE = """
import fcntl, os, sys, time  # here, since another user may not get at what is imported later
from pathlib import Path
from otel_events.direct.journal.database import Database
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import DeadLetter, JournalFile
from otel_events.direct.journal.lock import FileLock, is_held
from otel_events.exceptions import JournalError
path = Path(sys.argv[1])
"""


def record(text: str | bytes) -> bytes:
    """Make what looks like an encoded record from outside."""
    return field(b"\x12", text if isinstance(text, bytes) else text.encode())


@contextlib.contextmanager
def script(code: str, path: Path, *before: str) -> Iterator[subprocess.Popen[str]]:
    """Run code in a process of its own for the block, with ``path`` set, and end it then.

    What it prints, ``said`` reads; its standard input is open until the block ends.

    Args:
        code: The code.
        path: What it is about.
        before: What to start it with, such as a tracer.
    """
    arguments = [*before, sys.executable, "-c", BEFORE + textwrap.dedent(code), str(path)]
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def said(process: subprocess.Popen[str]) -> str:
    """Wait for a line that a process prints, and return it."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line and process.wait(30):
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    return line


def run(code: str, path: Path, *before: str) -> str:
    """Run code in a process of its own to its end, and return what it printed."""
    with script(code, path, *before) as process:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return out


def traced(code: str, path: Path, *options: str) -> list[str]:
    """Run code in a process of its own under ``strace``, and return the lines with the calls on files that it shows.

    Args:
        code: The code.
        path: What it is about.
        options: More of strace's.
    """
    trace = path.with_name("trace")
    calls = "trace=fsync,fdatasync,write,pwrite64"
    run(code, path, require_strace(), "-f", "-y", "-s", "40", "-e", calls, *options, "-o", str(trace))
    return trace.read_text(errors="replace").splitlines()


def leave(directory: JournalDirectory, service: str, *names: str, dead: Sequence[str] = ()) -> Path:
    """Leave a file behind, as a process that has ended does.

    Args:
        directory: Where.
        service: Under which its records are told.
        names: Of its events, each in a group of its own; an event's uid is its name.
        dead: Names of events, of each of which there is a dead letter.
    """
    envelope = Envelope({"service.name": service})
    file = directory.create(envelope.wrap(()))
    if names:
        file.append([(event(name), 1) for name in names])
    file.add_dead_letters(
        [DeadLetter(0, envelope.wrap([event(name)]), 1, "400: no", 1_700_000_000_000_000_000, False) for name in dead]
    )
    directory.release(file)
    return file.path


def event(name: str) -> bytes:
    """Return an encoded event, whose uid is its name."""
    return field(b"\x12", log_record(name, event_name=name).SerializeToString())
