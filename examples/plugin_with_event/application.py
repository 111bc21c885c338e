"""An application that loads the plugins that are installed, and uses one of them.

Install the plugin, then run this beside a collector (`otel-events view` is one)::

    pip install ./examples/plugin_with_event
    python examples/plugin_with_event/application.py

It prints::

    plugins: lockout
    alice: wrong password
    alice: wrong password
    alice: wrong password
    alice: locked
    {'locked': 1}
    Outcome(sent=4, pending=0, lost=0)
"""

from __future__ import annotations

import otel_events_lockout

import otel_events
from otel_events import Login, LoginFailed


def main() -> None:
    tracker = otel_events.configure(event_types=[Login, LoginFailed], service_name="shop")
    print("plugins:", *tracker.load_entrypoints())
    for _ in range(4):
        if otel_events_lockout.is_locked(tracker, "alice"):
            print("alice: locked")
        else:
            tracker.track(LoginFailed(actor="alice", reason="wrong password"))
            print("alice: wrong password")
    print(tracker.stats()["lockout"])
    print(tracker.shutdown(timeout=5.0))


if __name__ == "__main__":
    main()
