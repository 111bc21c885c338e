"""A day in a shop is 24 hours of several actors' events, and replaying it sends all of them, or ends when it is told to."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from otel_events.cli.shop_day import SERVICE, replay, shop_day
from otel_events.receiver import Receiver

END = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)


def test_it_is_a_day_of_several_actors() -> None:
    events = shop_day(END)
    times = [event.created for event in events]
    assert times == sorted(times)
    assert END - timedelta(days=1) <= times[0] < times[-1] <= END
    actors = {event.actor["id"] if isinstance(event.actor, Mapping) else event.actor for event in events}
    assert actors == {"alice", "bob", "carol", "dave", "nightly-import", None}
    assert len({event.name for event in events}) > 8
    assert [repr(event) for event in events] == [repr(event) for event in shop_day(END)]


def test_all_of_it_is_sent(tmp_path: Path) -> None:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver:
        replay(f"http://127.0.0.1:{receiver.http_port}", seconds=0.1, stop=threading.Event())
        stored = receiver.store.events()
    assert Counter(event.name for event in stored) == Counter(event.name for event in shop_day(END))
    assert {event.service for event in stored} == {SERVICE}
    assert max(event.time_ns for event in stored) - min(event.time_ns for event in stored) > 20 * 3_600 * 10**9


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    stop = threading.Event()
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver:
        sending = threading.Thread(
            target=replay, args=(f"http://127.0.0.1:{receiver.http_port}",), kwargs={"seconds": 3_600.0, "stop": stop}
        )
        sending.start()
        stop.set()
        sending.join(30.0)
        assert not sending.is_alive()
        assert receiver.store.count() < 10
