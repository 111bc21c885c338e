"""``otel-events demo``: a day of use in a real Datasette, whose events arrive over OTLP while one looks on, on the page."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from otel_events.builtin import BUILTIN_EVENTS, Logout
from otel_events.exceptions import OTelEventsError

if TYPE_CHECKING:
    from otel_events.cli.arrivals import Arrivals, Numbers
    from otel_events.page import Page
    from otel_events.receiver import Receiver

HELP: Final = "use a real Datasette for a day and show each of its events as it arrives over OTLP"

SIGNALS: Final = ("logs", "traces", "logs,traces")
EXPECTED: Final = tuple(cls.name for cls in BUILTIN_EVENTS)

_BATCH_MS: Final = 100
_STEP_SECONDS: Final = 5.0
_LAST_SECONDS: Final = 10.0
_WAIT_SECONDS: Final = 0.2
_REPLAY_SECONDS: Final = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--signals",
        choices=SIGNALS,
        default="logs",
        help="what the events are sent as: log records, span events, or both; default: %(default)s",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave Datasette, the receiver and the page running until Ctrl-C"
    )
    parser.add_argument(
        "--no-open", action="store_true", help="do not open the page in a browser, and end with the day"
    )
    parser.add_argument(
        "--replay",
        metavar="SECONDS",
        type=float,
        help="then replay a day in a shop, with several actors, within this time; default: 60 where the page is opened, else 0",
    )
    parser.add_argument(
        "--json", action="store_true", help="write the numbers as one line of JSON; all else goes to stderr"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command. Ctrl-C and SIGTERM end it at the next step of the day; whatever ends it, nothing stays behind.

    Where somebody looks on, the page is opened in the browser, and all goes on until Ctrl-C.

    Returns:
        0 when every event and every built-in event type arrived, 1 otherwise.

    Raises:
        ReceiverError: the receiver could not start.
        ModuleNotFoundError: an extra is not installed.
    """
    from rich.console import Console

    from otel_events.cli.arrivals import Arrivals
    from otel_events.cli.browser import open_page, somebody_looks_on
    from otel_events.cli.stopping import until_signalled
    from otel_events.integrations.datasette_day import day_of_use, run_datasette
    from otel_events.page import Page
    from otel_events.receiver import Receiver

    if importlib.util.find_spec("datasette") is None:
        raise ModuleNotFoundError("No module named 'datasette'", name="datasette")
    console = Console(highlight=False, soft_wrap=True, stderr=args.json)
    opens = not args.no_open and somebody_looks_on()
    seconds = (_REPLAY_SECONDS if opens else 0.0) if args.replay is None else args.replay
    with (
        until_signalled() as signalled,
        tempfile.TemporaryDirectory(prefix="otel-events-demo-") as folder,
        Receiver(Path(folder, "events.db"), http_port=0, grpc_port=0) as receiver,
        Page(receiver, port=0) as page,
    ):
        arrivals = Arrivals(receiver.store, console)
        console.print(f"Starting a Datasette. Its events go to an OTLP receiver, {_endpoint(receiver)}.")
        console.print(f"They are shown here, and on the page at {page.url}")
        if opens:
            open_page(page.url)
        try:
            with run_datasette(Path(folder), _environ(receiver, args.signals)) as datasette:
                for what in day_of_use(datasette):
                    console.print(f"\n» {what}", style="bold", markup=False)
                    arrivals.show(_STEP_SECONDS)
                    if signalled.is_set():
                        return _ended_early()
                arrivals.show_until(Logout.name, _LAST_SECONDS)
                if seconds > 0:
                    console.print(f"\n» a day in a shop, in {seconds:g} seconds", style="bold", markup=False)
                    _replay(receiver, arrivals, seconds, signalled)
                    if signalled.is_set():
                        return _ended_early()
                numbers = arrivals.numbers(EXPECTED)
                console.print(_in_words(numbers), markup=False)
                if not numbers.complete:
                    console.print(f"\nDatasette said:\n{datasette.log()}", markup=False)
                if args.json:
                    print(json.dumps(_as_data(numbers, receiver, page, datasette.url)), flush=True)
                if args.keep or opens:
                    console.print(_how_to_go_on(receiver, page, datasette.url), markup=False)
                    while not signalled.is_set():
                        arrivals.show(_WAIT_SECONDS)
        except OTelEventsError as error:
            if signalled.is_set():  # Ctrl-C in a terminal ends Datasette too, which then does not answer.
                return _ended_early()
            print(f"otel-events demo: {error}", file=sys.stderr)
            return 1
    return 0 if numbers.complete else 1


def _replay(receiver: Receiver, arrivals: Arrivals, seconds: float, stop: threading.Event) -> None:
    """Send the events of a day, and show them as they arrive."""
    from otel_events.cli.shop_day import replay

    arguments = {"seconds": seconds, "stop": stop}
    sending = threading.Thread(target=replay, args=(_endpoint(receiver),), kwargs=arguments, name="otel-events-demo")
    sending.start()
    while sending.is_alive():
        arrivals.show(_WAIT_SECONDS)
    sending.join()
    arrivals.show()


def _endpoint(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.http_port}"


def _environ(receiver: Receiver, signals: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": _endpoint(receiver),
        "OTEL_SERVICE_NAME": "datasette-demo",
        "OTEL_EVENTS_SIGNALS": signals,
        # The SDK lets batches wait for seconds, which is long for somebody who looks on.
        "OTEL_BLRP_SCHEDULE_DELAY": str(_BATCH_MS),
        "OTEL_BSP_SCHEDULE_DELAY": str(_BATCH_MS),
    }


def _ended_early() -> int:
    print("Ended before the day was over.", file=sys.stderr)
    return 1


def _in_words(numbers: Numbers) -> str:
    seen = len(EXPECTED) - len(numbers.missing)
    names = "\n".join(f"{count:4}  {name}" for name, count in sorted(numbers.by_name.items()))
    missing = f"; missing: {', '.join(numbers.missing)}" if numbers.missing else ""
    return (
        f"\n{names}\n\n{numbers.arrived} of {numbers.tracked} events arrived. "
        f"Built-in event types seen: {seen} of {len(EXPECTED)}{missing}.\n"
        f"From the call that tracked an event to its row in the receiver's database: {numbers.median_ms:g} ms (median), "
        f"{numbers.worst_ms:g} ms (worst). Batches leave every {_BATCH_MS} ms here."
    )


def _how_to_go_on(receiver: Receiver, page: Page, url: str) -> str:
    return (
        f"\nDatasette goes on at {url}; {url}/-/auth-token?token=wrong there makes another event, shown here.\n"
        f"The receiver goes on at {_endpoint(receiver)} (OTLP/HTTP) and 127.0.0.1:{receiver.grpc_port} (OTLP/gRPC).\n"
        f"The page goes on at {page.url}\n"
        f"Until they end, the events are in {receiver.store.path}. Ctrl-C ends them and removes it."
    )


def _as_data(numbers: Numbers, receiver: Receiver, page: Page, url: str) -> dict[str, Any]:
    return {
        **dataclasses.asdict(numbers),
        "datasette": url,
        "page": page.url,
        "otlp_http": _endpoint(receiver),
        "otlp_grpc": f"http://127.0.0.1:{receiver.grpc_port}",
        "database": str(receiver.store.path),
    }
