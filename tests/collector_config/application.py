"""An application of the tests, a process of its own: it tracks events, sends them, and says what became of them.

Standard input is a line of JSON with its options; when that ends, it ends too. Standard output is a line of JSON with what it
tracked and what `shutdown` returned.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import threading
import time
from typing import Any

import otel_events
from otel_events import EventTracker, InsertRows, LoginFailed

PAUSE_SECONDS = 0.002


def main() -> None:
    """Do what the options say.

    `configure`: arguments of `otel_events.configure`. `events`: how many; null means until standard input ends, with pauses.
    `threads`: how many track. `actors`: how many there are. `shutdown_seconds`: how long `shutdown` may take.
    """
    options: dict[str, Any] = json.loads(sys.stdin.readline())
    events: int | None = options["events"]
    configure = {"pipeline": "direct", **options["configure"]}
    tracker = otel_events.configure(event_types=[InsertRows, LoginFailed], **configure)
    ended = threading.Event()
    numbers = itertools.count() if events is None else range(events)
    shared, lock = iter(numbers), threading.Lock()
    tracked: list[int] = []

    def work() -> None:
        done = 0
        while not (events is None and ended.is_set()):
            with lock:
                number = next(shared, None)
            if number is None:
                break
            track_one(tracker, number, options["actors"])
            done += 1
            if events is None:
                time.sleep(PAUSE_SECONDS)
        tracked.append(done)

    workers = [threading.Thread(target=work) for _ in range(options["threads"])]
    for worker in workers:
        worker.start()
    sys.stdin.read()
    ended.set()
    for worker in workers:
        worker.join()
    outcome = tracker.shutdown(timeout=options["shutdown_seconds"])
    print(json.dumps({"tracked": sum(tracked), **dataclasses.asdict(outcome)}), flush=True)


def track_one(tracker: EventTracker, number: int, actors: int) -> None:
    """Track the event with this number: every fourth is a LoginFailed without an actor, the others are InsertRows."""
    if number % 4 == 3:
        tracker.track(LoginFailed(reason="wrong password"))
    else:
        actor = f"user-{number % actors}"
        tracker.track(InsertRows(actor=actor, database="shop", table="orders", num_rows=number % 4))


if __name__ == "__main__":
    main()
