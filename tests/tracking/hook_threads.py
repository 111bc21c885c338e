"""Which threads of hook loops this test has started."""

from __future__ import annotations

import threading


class HookThreads:
    """Counts from where it is made, so that a thread that another test left behind is none of ours."""

    def __init__(self) -> None:
        self._before = set(threading.enumerate())

    def now(self) -> list[threading.Thread]:
        """Return the threads that run now and did not then."""
        return [
            thread
            for thread in threading.enumerate()
            if thread.name == "otel-events-hooks" and thread not in self._before
        ]
