"""``python -m tests.sdk.forks HOW AFTERWARDS PROTOCOL ENDPOINT``: track before a fork, in a child, and in the parent again.

HOW is ``os.fork`` or a start method of multiprocessing; AFTERWARDS, what the child does then: ``flush``, ``shutdown``, ``exit``.
"""

from __future__ import annotations

import multiprocessing
import os
import sys

import otel_events
from otel_events import EventTracker
from tests.sdk.support import Ping


def make_tracker(protocol: str, endpoint: str) -> EventTracker:
    """Make the tracker of a process."""
    return otel_events.configure(
        pipeline="sdk",
        event_types=[Ping],
        protocol=protocol,
        endpoint=endpoint,
        service_name="forks",
        timeout_seconds=5.0,
    )


def child(tracker: EventTracker | None, afterwards: str, protocol: str, endpoint: str) -> None:
    """Do what the child does; without a tracker of its parent it makes its own."""
    tracker = tracker or make_tracker(protocol, endpoint)
    tracker.track(Ping(actor="child", number=1))
    if afterwards != "exit":
        outcome = tracker.flush(10.0) if afterwards == "flush" else tracker.shutdown(10.0)
        print("child", outcome, flush=True)


def main(how: str, afterwards: str, protocol: str, endpoint: str) -> None:
    """Do what the parent does."""
    tracker = make_tracker(protocol, endpoint)
    tracker.track(Ping(actor="parent", number=1))
    print("parent", tracker.flush(10.0), flush=True)
    # Still in the queue at the fork.
    tracker.track(Ping(actor="parent", number=2))
    if how == "os.fork":
        pid = os.fork()
        if pid == 0:
            child(tracker, afterwards, protocol, endpoint)
            sys.exit()
        print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    else:
        multiprocessing.set_start_method(how)
        inherited = tracker if how == "fork" else None
        process = multiprocessing.Process(target=child, args=(inherited, afterwards, protocol, endpoint))
        process.start()
        process.join(30.0)
        print("exit", process.exitcode, flush=True)
    tracker.track(Ping(actor="parent", number=3))
    print("parent", tracker.shutdown(10.0), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
