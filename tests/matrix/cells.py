"""The short conditions of the matrix: what goes wrong, and what must become of the events of each delivery."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.backends.wait import wait_until
from tests.direct.faulty import rejecting
from tests.matrix import proxy
from tests.matrix.scene import Scene

MEMORY, JOURNAL, CONFIRMED = DELIVERIES = ("memory", "journal", "confirmed")

BAD = 13
NOBODY = 65534

ALL = {"acknowledged": 40, "arrived": 40}
"""What is so, where nothing is lost; the counts that are not named are 0."""

KEPT = {"acknowledged": 40, "in_journal": 40}

COUNTS = ("acknowledged", "refused", "arrived", "repeated", "in_journal", "dead_letters", "lost")


@dataclass(frozen=True)
class Condition:
    """Something that goes wrong.

    Args:
        name: What, in words: the name of the row.
        play: Makes it so.
        memory: What must become of events in memory; None where the condition has no meaning there.
        durable: What must become of events in the journal, confirmed or not.
        free: Counts that depend on the moment.
        at_least: Counts of events in the journal, confirmed or not, that show that it did go wrong.
        memory_at_least: Likewise of events in memory.
    """

    name: str
    play: Callable[[Scene], None]
    memory: Mapping[str, int] | None = field(default_factory=lambda: ALL)
    durable: Mapping[str, int] = field(default_factory=lambda: ALL)
    free: frozenset[str] = frozenset()
    at_least: Mapping[str, int] = field(default_factory=dict)
    memory_at_least: Mapping[str, int] = field(default_factory=dict)

    def expected(self, delivery: str) -> dict[str, int]:
        """Return the counts that must be."""
        named = (self.memory if delivery == MEMORY else self.durable) or {}
        return {name: named.get(name, 0) for name in COUNTS if name not in self.free}


def down_then_up(scene: Scene) -> None:
    """Have the Collector come late."""
    scene.collector.stop()
    try:
        with scene.application(endpoint=scene.collector.http_endpoint) as application:
            application.tracked()
            scene.collector.start()
    finally:
        if not scene.collector.running:
            scene.collector.start()


def slow(scene: Scene) -> None:
    """Take 0.5 s for each request."""
    scene.proxy.behaviour = proxy.slow(0.5)
    with scene.application() as application:
        application.tracked()


def throttled(scene: Scene) -> None:
    """Answer the first two requests with 429."""
    refusal = proxy.answering(429, {"retry-after": "1"})
    scene.proxy.behaviour = proxy.one_by_one(refusal, refusal)
    with scene.application() as application:
        application.tracked()


def until_mended(status: int) -> Callable[[Scene], None]:
    """Answer every request with this, until somebody does something about it."""

    def play(scene: Scene) -> None:
        scene.proxy.behaviour = proxy.answering(status)
        with scene.application() as application:
            application.tracked()
            wait_until(lambda: scene.proxy.requests)
            scene.proxy.behaviour = proxy.passing

    return play


def until_renewed(scene: Scene) -> None:
    """Answer every request with 401 that does not have the new token, which then is written into the file."""
    scene.headers.write_text("authorization=Bearer%20old", encoding="utf-8")
    scene.proxy.behaviour = proxy.wanting("Bearer new")
    with scene.application(headers_file=str(scene.headers)) as application:
        application.tracked()
        wait_until(lambda: scene.proxy.requests)
        scene.headers.write_text("authorization=Bearer%20new", encoding="utf-8")


def cut_while_sending(scene: Scene) -> None:
    """End the connection while the first request is being sent."""
    scene.proxy.cuts = 1
    with scene.application() as application:
        application.tracked()
        wait_until(lambda: not scene.proxy.cuts)


def cut_before_the_answer(scene: Scene) -> None:
    """Have the Collector take the first request, and end the connection before it can say so."""

    def taken_unheard(exchange: proxy.Exchange) -> None:
        exchange.pass_on()
        exchange.hang_up()

    scene.proxy.behaviour = proxy.one_by_one(taken_unheard)
    with scene.application() as application:
        application.tracked()


def one_refused(scene: Scene) -> None:
    """Answer every request that holds a certain event with 400."""

    def refuse_one(exchange: proxy.Exchange) -> None:
        (proxy.answering(400) if BAD in exchange.numbers else proxy.passing)(exchange)

    scene.proxy.behaviour = refuse_one
    with scene.application() as application:
        application.tracked()


def one_rejected(scene: Scene) -> None:
    """Have the Collector take all but one event of a request, and say how many it rejects, not which."""

    def reject_one(exchange: proxy.Exchange) -> None:
        if BAD not in exchange.numbers:
            return proxy.passing(exchange)
        exchange.pass_on(proxy.without(exchange.body, BAD))
        return exchange.answer(200, rejecting(1, "no"), {"content-type": "application/x-protobuf"})

    scene.proxy.behaviour = reject_one
    with scene.application() as application:
        application.tracked()


def longer_than_the_queue(scene: Scene) -> None:
    """Have more events come in an outage than there is room for in memory."""
    scene.proxy.behaviour = proxy.hanging_up
    with scene.application(queue_records=20, events=200) as application:
        application.tracked()
        scene.proxy.behaviour = proxy.passing


def journal_full(on_failure: str) -> Callable[[Scene], None]:
    """Have more events come in an outage than the journal may hold."""

    def play(scene: Scene) -> None:
        scene.proxy.behaviour = proxy.hanging_up
        with scene.application(on_failure=on_failure, text=4_000, journal_bytes=40_960) as application:
            application.tracked()
            scene.proxy.behaviour = proxy.passing

    return play


def disk_full(on_failure: str) -> Callable[[Scene], None]:
    """Let no file become larger than 128 KiB, while the Collector cannot be reached; the kernel refuses to write more."""

    def play(scene: Scene) -> None:
        scene.proxy.behaviour = proxy.hanging_up
        plan = {"on_failure": on_failure, "text": 4_000, "file_bytes": 131_072, "flush_seconds": 2.0}
        with scene.application(**plan) as application:
            application.tracked()
            scene.proxy.behaviour = proxy.passing
        scene.successor()

    return play


def read_only(on_failure: str) -> Callable[[Scene], None]:
    """Let nothing be written into the directory of the journal."""

    def play(scene: Scene) -> None:
        scene.journal.mkdir(mode=0o500)
        user = NOBODY if os.getuid() == 0 else 0
        if user:
            os.chown(scene.journal, user, user)
        with scene.application(on_failure=on_failure, user=user) as application:
            application.tracked()

    return play


def killed(scene: Scene) -> None:
    """Kill the application while the Collector cannot be reached, and run the next one."""
    scene.proxy.behaviour = proxy.hanging_up
    with scene.application() as application:
        application.tracked()
        application.kill()
    assert len(scene.kept().waiting) == (0 if scene.delivery == MEMORY else 40)
    scene.proxy.behaviour = proxy.passing
    scene.successor()


def killed_while_exporting(scene: Scene) -> None:
    """Kill the application when the Collector has taken the third request of many, and has not said so."""
    under_way, over = threading.Event(), threading.Event()

    def taken_unheard(exchange: proxy.Exchange) -> None:
        exchange.pass_on()
        under_way.set()
        over.wait(10.0)
        exchange.hang_up()

    scene.proxy.behaviour = proxy.one_by_one(proxy.passing, proxy.passing, taken_unheard)
    with scene.application(events=100_000, callers=64, batch_records=200) as application:
        assert under_way.wait(20.0), application.errors
        application.kill()
    over.set()
    scene.proxy.behaviour = proxy.passing
    scene.successor()


def forked(scene: Scene) -> None:
    """Fork in the middle, and have the child track the second half."""
    with scene.application(fork=True) as application:
        application.tracked()


def exit_alone(scene: Scene) -> None:
    """End without a flush or a shutdown."""
    with scene.application(end="exit") as application:
        application.tracked()


def exit_in_an_outage(scene: Scene) -> None:
    """Do likewise while the Collector cannot be reached."""
    scene.proxy.behaviour = proxy.hanging_up
    exit_alone(scene)


CONDITIONS = (
    Condition("collector down, then up", down_then_up),
    Condition("collector slow", slow),
    Condition("429 with Retry-After", throttled),
    Condition("401 until mended", until_mended(401)),
    Condition("401 until the token in the file is renewed", until_renewed),
    Condition("500 until mended", until_mended(500)),
    Condition("connection cut while sending", cut_while_sending),
    Condition(
        "connection cut before the answer",
        cut_before_the_answer,
        free=frozenset({"repeated"}),
        at_least={"repeated": 1},
    ),
    Condition(
        "400 for one record",
        one_refused,
        memory={"acknowledged": 40, "arrived": 39, "lost": 1},
        durable={"acknowledged": 40, "arrived": 39, "dead_letters": 1},
    ),
    Condition(
        "partial_success, one rejected",
        one_rejected,
        memory={"acknowledged": 40, "arrived": 39, "lost": 1},
        durable={"acknowledged": 40, "arrived": 39},
        free=frozenset({"dead_letters"}),
        at_least={"dead_letters": 1},
    ),
    Condition(
        "outage longer than the queue",
        longer_than_the_queue,
        memory={"acknowledged": 200},
        durable={"acknowledged": 200},
        free=frozenset({"arrived", "lost"}),
        at_least={"arrived": 200},
        memory_at_least={"arrived": 20, "lost": 160},
    ),
    Condition("journal full, open", journal_full("open"), at_least={"in_memory_instead": 30}),
    Condition(
        "journal full, closed",
        journal_full("closed"),
        memory=None,
        free=frozenset({"acknowledged", "refused", "arrived"}),
        at_least={"acknowledged": 1, "refused": 31},
    ),
    Condition(
        "disk full, open",
        disk_full("open"),
        free=frozenset({"repeated"}),
        at_least={"in_memory_instead": 1},
    ),
    Condition(
        "disk full, closed",
        disk_full("closed"),
        memory=None,
        durable={},
        free=frozenset({"acknowledged", "refused", "arrived", "repeated"}),
        at_least={"acknowledged": 1, "refused": 1},
    ),
    Condition("read-only directory, open", read_only("open"), at_least={"in_memory_instead": 40}),
    Condition("read-only directory, closed", read_only("closed"), memory=None, durable={"refused": 40}),
    Condition("kill -9", killed, memory={"acknowledged": 40, "lost": 40}),
    Condition(
        "kill -9 while exporting",
        killed_while_exporting,
        free=frozenset(COUNTS) - {"refused", "in_journal", "dead_letters"},
        durable={},
        memory={},
        at_least={"arrived": 40, "repeated": 1},
    ),
    Condition("fork", forked),
    Condition("exit without shutdown", exit_alone),
    Condition("exit in an outage", exit_in_an_outage, memory={"acknowledged": 40, "lost": 40}, durable=KEPT),
)
