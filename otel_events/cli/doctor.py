"""``otel-events doctor``: send a canary on the application's way, and say where it gets lost."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from otel_events.cli.lines import print_line
from otel_events.version import VERSION

if TYPE_CHECKING:
    from otel_events.doctor.check import Check

HELP = "send a canary to the collector, read it back, and name the hop that lost it"

_MAX_WAIT_SECONDS = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--read-back",
        metavar="WHERE",
        action="append",
        type=_read_back,
        default=[],
        help="look for the canary in jaeger=URL, victorialogs=URL, or file=PATH, which a Collector's file exporter writes; "
        "may be given more than once",
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=10.0,
        help="how long to look for it; default: %(default)g",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Returns:
        0 when all is fine, 1 when something is to be changed.

    Raises:
        SettingsError: A setting is unknown or has a bad value.
    """
    _quiet_grpc()
    from otel_events.doctor.check import Check, Mark
    from otel_events.doctor.examination import examine
    from otel_events.settings import resolve

    with _logged() as lines:
        settings = resolve()
        ignored = [Check(Mark.FAIL, settings.signals, "settings", line, "Set it right.") for line in lines]
        described = settings.described()
        if not args.json:
            _print_settings(described)
        checks = []
        for check in (*ignored, *examine(settings, args.read_back, args.wait)):
            checks.append(check)
            if not args.json:
                print_line(_line(check))
    failures = sum(check.mark is Mark.FAIL for check in checks)
    if args.json:
        document = {
            "version": VERSION,
            "fine": not failures,
            "settings": [dict(zip(("name", "value", "source"), row, strict=True)) for row in described],
            "checks": [_as_data(check) for check in checks],
        }
        print(json.dumps(document, indent=2))
    else:
        print_line()
        print_line("all is fine" if not failures else f"to be changed: {failures}")
    return 1 if failures else 0


def _print_settings(described: Sequence[tuple[str, str, str]]) -> None:
    print_line(f"otel-events doctor {VERSION}\n\nsettings")
    widths = [max(len(row[column]) for row in described) for column in (0, 1)]
    for name, value, source in described:
        print_line(f"  {name:{widths[0]}}  {value:{min(widths[1], 60)}}  {source}")
    print_line("\nchecks")


def _line(check: Check) -> str:
    return f"  {check.mark.value:4}  {', '.join(check.signals):12}  {check.what:12}  {check.result}"


def _as_data(check: Check) -> dict[str, Any]:
    return {
        "mark": check.mark.value,
        "signals": list(check.signals),
        "what": check.what,
        "seen": check.seen,
        "change": check.change or None,
        "hop": check.hop or None,
    }


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Take the warnings of this package, of which the checks tell, from the log."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("otel_events"), Handler(logging.WARNING)
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def _quiet_grpc() -> None:
    """Keep gRPC from writing of its own troubles to stderr, once for each attempt. It looks at this when it is loaded."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def _read_back(text: str) -> Any:
    _quiet_grpc()
    from otel_events.doctor.readback import ReadBack

    try:
        return ReadBack.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _MAX_WAIT_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_MAX_WAIT_SECONDS:g}")
    return seconds
