"""The real receiver with its page, as the browser's tests need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from otel_events.page import Page
from otel_events.receiver import Receiver


class Served:
    """A running receiver and its page, on free ports."""

    def __init__(self, receiver: Receiver, database: Path) -> None:
        self.database = database
        self.otlp_http = receiver.http_port
        self.otlp_grpc = receiver.grpc_port
        self._receiver = receiver
        self._page = Page(receiver, port=0)
        self._page.start()
        self.url = self._page.url

    def stop_page(self) -> None:
        """Stop the page; the receiver goes on."""
        self._page.stop()

    def start_page(self) -> None:
        """Start the page again, where it was."""
        self._page = Page(self._receiver, port=self._page.port)
        self._page.start()


@contextmanager
def serving(database: Path) -> Iterator[Served]:
    """Run a receiver and its page over a database."""
    with Receiver(database, http_port=0, grpc_port=0) as receiver:
        served = Served(receiver, database)
        try:
            yield served
        finally:
            served.stop_page()
