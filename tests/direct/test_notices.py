"""Trouble is said at once and seldom while it goes on, and boundedly when it comes and goes."""

from __future__ import annotations

import logging
import threading

import pytest

from otel_events.direct.notices import AGAIN_SECONDS, MAX_LINES, Notices


class Desk:
    """Notices with a clock that the test turns."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 1000.0
        self.notices = Notices(lambda: "7 wait", lambda: self.now)
        self._caplog = caplog

    def said(self) -> list[str]:
        """Return the lines since the last time."""
        lines = [record.getMessage() for record in self._caplog.records]
        self._caplog.clear()
        return lines


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    caplog.set_level(logging.WARNING, "otel_events")
    return Desk(caplog)


def test_trouble_is_said_once_and_again_with_the_counts_when_it_goes_on(desk: Desk) -> None:
    for _ in range(100):
        desk.notices.trouble("disk", "The disk is full.")
        desk.now += (AGAIN_SECONDS - 1) / 100
    assert desk.said() == ["The disk is full. Said once, and again while it lasts; stats() counts what is lost."]
    desk.now += 2
    for _ in range(3):
        desk.notices.trouble("disk", "The disk is still full.")
    assert desk.said() == ["The disk is still full. This goes on: 7 wait."]
    desk.now += AGAIN_SECONDS
    desk.notices.trouble("disk", "The disk is full.")
    assert len(desk.said()) == 1


def test_after_it_is_over_it_is_new(desk: Desk) -> None:
    desk.notices.trouble("disk", "Full.")
    desk.notices.trouble("server", "Down.")
    desk.said()
    desk.notices.over("The disk has room.", "disk")
    desk.notices.trouble("disk", "Full.")
    desk.notices.trouble("server", "Down.")
    assert [line.partition(".")[0] for line in desk.said()] == ["The disk has room", "Full"]
    desk.notices.over("All is well.")
    desk.notices.trouble("disk", "Full.")
    desk.notices.trouble("server", "Down.")
    assert len(desk.said()) == 3


def test_what_comes_and_goes_is_bounded(desk: Desk) -> None:
    for _ in range(100):
        desk.notices.trouble("disk", "Full.")
        desk.notices.over("Well.")
    assert len(desk.said()) == MAX_LINES
    desk.now += AGAIN_SECONDS
    desk.notices.trouble("disk", "Full.")
    assert len(desk.said()) == 1


def test_many_threads_say_it_once(desk: Desk) -> None:
    threads = [threading.Thread(target=desk.notices.trouble, args=("disk", "Full.")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.said()) == 1
