"""A pipeline is chosen once, at the first event, whichever thread brings it; before that nothing waits and nothing is made."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from otel_events import Login, Outcome
from otel_events.chosen import ChosenPipeline
from otel_events.stamp import Stamp, Stamper

STAMP = Stamper().stamp()


class Noting:
    """A pipeline that notes what is done with it."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.well = True

    def accept(self, event: Any, stamp: Stamp) -> None:
        self.done.append(stamp.uid)

    def flush(self, timeout: float) -> Outcome:
        self.done.append(("flush", timeout))
        return Outcome(1, 0, 0)

    def shutdown(self, timeout: float) -> Outcome:
        self.done.append(("shutdown", timeout))
        return Outcome(2, 0, 0)

    def stats(self) -> dict[str, int]:
        return {"noted": len(self.done)}

    def healthy(self) -> bool:
        return self.well


def test_before_the_first_event_nothing_is_chosen() -> None:
    def choose() -> Noting:
        raise AssertionError("nothing is to be chosen")

    chosen = ChosenPipeline(choose)
    assert (chosen.flush(1.0), chosen.shutdown(1.0)) == (Outcome(0, 0, 0), Outcome(0, 0, 0))
    assert (chosen.stats(), chosen.healthy()) == ({}, True)


def test_from_then_on_everything_goes_to_what_was_chosen() -> None:
    noting = Noting()
    chosen = ChosenPipeline(lambda: noting)
    chosen.accept(Login(), STAMP)
    chosen.accept(Login(), STAMP)
    assert (chosen.flush(1.0), chosen.shutdown(2.0)) == (Outcome(1, 0, 0), Outcome(2, 0, 0))
    assert noting.done == [STAMP.uid, STAMP.uid, ("flush", 1.0), ("shutdown", 2.0)]
    assert chosen.stats() == {"noted": 4}
    noting.well = False
    assert not chosen.healthy()


def test_what_is_chosen_after_the_shutdown_is_shut_down_before_the_event_comes() -> None:
    noting = Noting()
    chosen = ChosenPipeline(lambda: noting)
    chosen.shutdown(1.0)
    chosen.accept(Login(), STAMP)
    assert noting.done == [("shutdown", 0.0), STAMP.uid]


def test_a_choice_that_fails_is_made_again_at_the_next_event() -> None:
    choices: list[Any] = [ImportError("not there"), Noting()]

    def choose() -> Noting:
        choice = choices.pop(0)
        if isinstance(choice, Exception):
            raise choice
        assert isinstance(choice, Noting)
        return choice

    chosen = ChosenPipeline(choose)
    with pytest.raises(ImportError):
        chosen.accept(Login(), STAMP)
    chosen.accept(Login(), STAMP)
    assert chosen.stats() == {"noted": 1}


def test_many_threads_choose_once() -> None:
    made: list[Noting] = []
    together = threading.Barrier(8)

    def choose() -> Noting:
        made.append(Noting())
        return made[-1]

    def first_event() -> None:
        together.wait()
        chosen.accept(Login(), STAMP)

    chosen = ChosenPipeline(choose)
    threads = [threading.Thread(target=first_event) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [noting] = made
    assert len(noting.done) == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_was_forked_off_while_another_thread_chose_does_so_itself() -> None:
    choosing, go_on = threading.Event(), threading.Event()

    def choose() -> Noting:
        choosing.set()
        go_on.wait(30.0)
        return Noting()

    chosen = ChosenPipeline(choose)
    thread = threading.Thread(target=chosen.accept, args=(Login(), STAMP))
    thread.start()
    choosing.wait(30.0)
    child = os.fork()
    if not child:
        try:
            signal.alarm(30)
            go_on.set()
            chosen.accept(Login(), STAMP)
            os._exit(0 if chosen.stats() == {"noted": 1} else 1)
        finally:
            os._exit(2)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
