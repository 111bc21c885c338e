"""Show what a receiver gets, as it gets it, until told to stop."""

from __future__ import annotations

import threading
from typing import Final

from rich.console import Console
from rich.text import Text

from otel_events.cli.render import event_json, event_text, visible
from otel_events.cli.sending import how_to_send
from otel_events.receiver import Receiver

_PAGE_SIZE: Final = 500
_WAIT_SECONDS: Final = 0.2


def show_live(receiver: Receiver, stop: threading.Event, *, as_json: bool = False, token: str | None = None) -> None:
    """Run the receiver and print its events until ``stop`` is set; then print those that came last, and a summary.

    Args:
        receiver: A receiver that is not started; it is stopped in the end.
        stop: Ends it.
        as_json: Print one JSON object a line to stdout, and everything else to stderr.
        token: What senders must bring, if anything.

    Raises:
        ReceiverError: The receiver cannot start.
    """
    console = Console(highlight=False, soft_wrap=True)
    notices = Console(highlight=False, soft_wrap=True, stderr=True) if as_json else console
    with receiver:
        shown_id = receiver.store.newest_id
        notices.print(Text("Waiting for events. ", "bold") + how_to_send(receiver, token) + where_kept(receiver))
        while not stop.is_set():
            if receiver.store.wait_for_new(shown_id, _WAIT_SECONDS):
                shown_id = _print_page(receiver, console, shown_id, as_json=as_json)
    while receiver.store.newest_id > shown_id:
        shown_id = _print_page(receiver, console, shown_id, as_json=as_json)
    notices.print(summary(receiver))


def where_kept(receiver: Receiver) -> Text:
    """Say where the events of a receiver are kept."""
    return Text(
        f"Events are kept in {visible(str(receiver.store.path))}; from before it holds {receiver.store.count()}. "
        "Ctrl-C ends."
    )


def summary(receiver: Receiver) -> Text:
    """Say what came in, after the end."""
    stats = receiver.stats()
    return Text(
        f"Ended. Events: {stats.events} new, {stats.merged} merged with their other signal's copy, "
        f"{stats.repeated} sent again, {stats.rejected} records rejected; spans: {stats.spans}; "
        f"requests: {stats.requests}; kept in {visible(str(receiver.store.path))}."
    )


def _print_page(receiver: Receiver, console: Console, after_id: int, *, as_json: bool) -> int:
    """Print the next events and give the id of the last one."""
    for event in receiver.store.events(after_id=after_id, limit=_PAGE_SIZE):
        console.print(Text(event_json(event)) if as_json else event_text(event))
        after_id = event.id
    return after_id
