"""``otel-events view``: receive events over OTLP, keep them in a file, show them as they come in."""

from __future__ import annotations

import argparse
import sys
from typing import Final

HELP: Final = "receive events over OTLP and show them as they come in"

_MAX_PORT: Final = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--terminal", action="store_true", help="show the events in this terminal")
    parser.add_argument(
        "--database",
        metavar="PATH",
        default="otel-events.db",
        help="the SQLite file in which the events are kept; default: %(default)s in the current folder",
    )
    parser.add_argument(
        "--otlp-http-port",
        metavar="N",
        type=_port,
        default=4318,
        help="the port for OTLP over HTTP, 0 for any free one; default: %(default)s",
    )
    parser.add_argument(
        "--otlp-grpc-port",
        metavar="N",
        type=_port,
        default=4317,
        help="the port for OTLP over gRPC, 0 for any free one; default: %(default)s",
    )
    parser.add_argument(
        "--json", action="store_true", help="write one JSON object a line for each event; all else goes to stderr"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command until Ctrl-C or SIGTERM.

    Returns:
        0 after Ctrl-C or SIGTERM; 2 without ``--terminal``.

    Raises:
        ReceiverError: The receiver could not start: a port is taken, or the database cannot be used.
    """
    if not args.terminal:
        print("otel-events view: this version shows events in the terminal only; add --terminal.", file=sys.stderr)
        return 2
    from otel_events.cli.live import show_live
    from otel_events.cli.stopping import until_signalled
    from otel_events.receiver import Receiver

    with until_signalled() as signalled:
        receiver = Receiver(args.database, http_port=args.otlp_http_port, grpc_port=args.otlp_grpc_port)
        show_live(receiver, signalled, as_json=args.json)
    return 0


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to {_MAX_PORT}")
    return port
