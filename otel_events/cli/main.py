"""``otel-events COMMAND``: finds the command and runs it."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import select
import sys
from collections.abc import Sequence
from typing import Final, TextIO

from otel_events.exceptions import OTelEventsError
from otel_events.version import VERSION

COMMANDS: Final = ("demo", "doctor", "journal", "verify", "view")
"""Each is a module of this package with ``HELP``, ``add_arguments(parser)`` and ``run(arguments)``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The arguments; default those of the process.

    Returns:
        0 when all is fine, 1 for a finding, 2 for wrong usage; 1 as well where whoever read the output has left before its end.
    """
    try:
        try:
            return _run(argv)
        finally:
            # Here, since at the interpreter's end nothing would catch that nobody reads it.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # `otel-events verify … | head` is no mistake. Any other broken pipe is one, and ours.
        left = [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
        if not left:
            raise
        for stream in left:
            # So that the interpreter can flush it when it ends, as Python's documentation of SIGPIPE has it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 1


def _run(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="otel-events", description="Typed Python events in, OpenTelemetry out.")
    parser.add_argument("--version", action="version", version=f"otel-events {VERSION}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    modules = {}
    for name in COMMANDS:
        module = modules[name] = importlib.import_module(f"otel_events.cli.{name}")
        module.add_arguments(subparsers.add_parser(name, help=module.HELP, description=module.HELP))
    arguments = parser.parse_args(argv)
    try:
        return int(modules[arguments.command].run(arguments))
    except OTelEventsError as error:
        print(f"otel-events {arguments.command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extra = {"starlette": "view", "uvicorn": "view", "rich": "view", "datasette": "datasette"}.get(missing)
        if extra is None:
            raise
        print(f'otel-events {arguments.command} needs {missing}: pip install "otel-events[{extra}]"', file=sys.stderr)
        return 2


def _has_no_reader(stream: TextIO) -> bool:
    """Tell whether a stream is a pipe whose reader has closed it."""
    if sys.platform == "win32":
        return False  # There it is another error.
    poll = select.poll()
    with contextlib.suppress(OSError, ValueError, AttributeError):  # It is none of the system's, or there is none.
        poll.register(stream.fileno(), 0)
    return bool(poll.poll(0))


if __name__ == "__main__":
    sys.exit(main())
