"""The page's server starts beside a receiver, answers while that is busy, and leaves nothing when it stops."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.exceptions import ReceiverError
from otel_events.page import Access, Page
from otel_events.receiver import Receiver, Store
from tests.backends.wait import wait_until
from tests.page.support import event_row, running


def test_it_starts_stops_and_starts_again_and_leaves_no_thread(tmp_path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with running(tmp_path) as site:
        for _ in range(2):
            assert site.json("/api/status")["total"] == 0
            with pytest.raises(ReceiverError, match="running already"):
                site.page.start()
            site.page.stop()
            site.page.stop()
            with socket.socket() as client:
                assert client.connect_ex(("127.0.0.1", site.page.port)) != 0
            site.page.start()
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert {thread.name for thread in threading.enumerate()} <= before


def test_the_database_is_one_plain_file_afterwards(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        site.add(event_row())
        site.json("/api/events")
    assert [path.name for path in tmp_path.iterdir()] == ["events.db"]
    with closing(Store(tmp_path / "events.db")) as store:
        assert store.count() == 1


def test_it_needs_a_receiver_that_runs_and_a_free_port(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "events.db", http_port=0, grpc_port=0)
    with pytest.raises(ReceiverError, match="has no store before it was started"):
        Page(receiver, port=0).start()
    with receiver, closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ReceiverError, match=r"choose another port with --port"):
            Page(receiver, port=taken.getsockname()[1]).start()


def test_addresses(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "events.db", http_port=0, grpc_port=0)
    assert Page(receiver).url == "http://127.0.0.1:4319/"
    assert Page(receiver, port=1, access=Access(host="::1")).url == "http://[::1]:1/"
    assert Page(receiver, port=1, access=Access(host="0.0.0.0", no_auth=True)).url == "http://127.0.0.1:1/"


def test_questions_are_answered_while_events_are_stored(tmp_path: Path) -> None:
    done = threading.Event()
    with running(tmp_path) as site:

        def store() -> None:
            while not done.is_set():
                site.receiver.store.add([event_row({"n": number}) for number in range(500)])

        busy = threading.Thread(target=store)
        busy.start()
        try:
            wait_until(lambda: site.json("/api/events", q="n>490", limit=5)["newest_id"] >= 5_000, 30.0)
        finally:
            done.set()
            busy.join()
