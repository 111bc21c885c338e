"""``otel-events view``: receive events over OTLP, keep them in a file, show them as they come in, on a page or in a terminal."""

from __future__ import annotations

import argparse
import secrets
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading

    from otel_events.page import Access
    from otel_events.receiver import Receiver

HELP: Final = "receive events over OTLP and show them as they come in, on a live page or in the terminal"

_MAX_PORT: Final = 65535
_WAIT_SECONDS: Final = 0.5
_MAKE_ONE: Final = ""
"""What ``--token`` alone gives."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--terminal", action="store_true", help="show the events in this terminal, not on a page")
    parser.add_argument(
        "--json",
        action="store_true",
        help="with --terminal: write one JSON object a line for each event; all else to stderr",
    )
    parser.add_argument(
        "--database",
        metavar="PATH",
        default="otel-events.db",
        help="the SQLite file in which the events are kept; default: %(default)s in the current folder",
    )
    parser.add_argument(
        "--max-age-days",
        metavar="N",
        type=float,
        default=None,
        help="delete events that came longer ago; default: keep them",
    )
    parser.add_argument(
        "--max-megabytes",
        metavar="N",
        type=float,
        default=8192.0,
        help="delete the oldest events when the file becomes larger; 0 for no bound; default: %(default)g",
    )
    for option, default, what in (
        ("--port", 4319, "the page"),
        ("--otlp-http-port", 4318, "OTLP over HTTP"),
        ("--otlp-grpc-port", 4317, "OTLP over gRPC"),
    ):
        parser.add_argument(
            option,
            metavar="N",
            type=_port,
            default=default,
            help=f"the port for {what}, 0 for any free one; default: {default}",
        )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address to listen on; others than those of this machine alone need --token or --no-auth; default: %(default)s",
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--token",
        nargs="?",
        const=_MAKE_ONE,
        default=None,
        help="ask everybody who looks or sends for this token; without a value one is made and shown",
    )
    who.add_argument("--no-auth", action="store_true", help="let everybody who reaches the address look and send")
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a further name under which this machine is reached, such as that of a proxy; may be given several times",
    )
    parser.add_argument("--no-open", action="store_true", help="do not open the page in a browser")


def run(args: argparse.Namespace) -> int:
    """Run the command until Ctrl-C or SIGTERM.

    Returns:
        0 after Ctrl-C or SIGTERM; 2 for ``--json`` without ``--terminal``.

    Raises:
        ReceiverError: It could not start: a port is taken, the database cannot be used, or others than this machine could
            look without a token.
    """
    if args.json and not args.terminal:
        print("otel-events view: --json writes the events to stdout, so it needs --terminal.", file=sys.stderr)
        return 2
    from otel_events.cli.live import show_live
    from otel_events.cli.stopping import until_signalled
    from otel_events.page import Access
    from otel_events.receiver import Receiver

    token = secrets.token_urlsafe(24) if args.token == _MAKE_ONE else args.token
    access = Access(host=args.host, token=token, no_auth=args.no_auth, allowed_hosts=args.allow_host)
    with until_signalled() as signalled:
        receiver = Receiver(
            args.database,
            host=args.host,
            http_port=args.otlp_http_port,
            grpc_port=args.otlp_grpc_port,
            max_age_days=args.max_age_days,
            max_bytes=int(args.max_megabytes * 1_000_000) or None,
            token=token,
            allow_anyone=args.no_auth,
            allowed_hosts=args.allow_host,
        )
        if args.terminal:
            show_live(receiver, signalled, as_json=args.json, token=token)
        else:
            _serve(receiver, access, signalled, port=args.port, opens=not args.no_open)
    return 0


def _serve(receiver: Receiver, access: Access, stop: threading.Event, *, port: int, opens: bool) -> None:
    """Run the receiver and its page until told to stop."""
    from rich.console import Console
    from rich.text import Text

    from otel_events.cli.browser import open_page, somebody_looks_on
    from otel_events.cli.live import summary, where_kept
    from otel_events.cli.sending import how_to_send
    from otel_events.page import Page

    console = Console(highlight=False, soft_wrap=True)
    with receiver, Page(receiver, port=port, access=access) as page:
        console.print(
            Text.assemble("The page is at ", (page.url_with_token, "bold"), "\n")
            + how_to_send(receiver, access.token)
            + where_kept(receiver)
        )
        if opens and somebody_looks_on():
            open_page(page.url_with_token)
        while not stop.wait(_WAIT_SECONDS):
            pass
    console.print(summary(receiver))


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to {_MAX_PORT}")
    return port
