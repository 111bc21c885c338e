"""``otel-events COMMAND``: finds the command and runs it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final

from otel_events.exceptions import OTelEventsError
from otel_events.version import VERSION

COMMANDS: Final = ("demo", "doctor", "journal", "verify", "view")
"""Each is a module of this package with ``HELP``, ``add_arguments(parser)`` and ``run(arguments)``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The arguments; default those of the process.

    Returns:
        0 when all is fine, 1 for a finding, 2 for wrong usage.
    """
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


if __name__ == "__main__":
    sys.exit(main())
