"""How fast the live page's questions are answered at a million stored events (`make bench-view`).

The database is built through the store's own tables. Questions go over HTTP, one after the other, to a page beside a
receiver; each kind several times, with other words, names and times each time, so that no answer is that of the last one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks import machine, table
from otel_events.page import Page
from otel_events.receiver import Receiver
from otel_events.receiver.rows import EventRow
from otel_events.receiver.schema import open_writer, transaction
from otel_events.receiver.search import index_more
from otel_events.receiver.values import json_text

NAMES: Final = (
    ("update-row", 30.0), ("insert-rows", 25.0), ("order-placed", 12.0), ("login", 10.0), ("logout", 8.0),
    ("permission-denied", 4.0), ("login-failed", 3.0), ("upsert-rows", 3.0), ("create-token", 2.0), ("delete-row", 1.5),
    ("alter-table", 0.8), ("create-table", 0.5), ("drop-table", 0.2),
)  # fmt: skip
SERVICES: Final = (("shop", 60.0), ("admin", 20.0), ("datasette", 15.0), ("billing", 4.99), ("canary", 0.01))
ACTORS: Final = 500
ITEMS: Final = ("lamp", "desk", "chair", "rug", "sofa")
TABLES: Final = ("orders", "customers", "items")
START_NS: Final = 1_767_225_600_000_000_000
DAYS: Final = 30
DAY_NS: Final = 86_400_000_000_000
PIECE: Final = 20_000
FACETS: Final = ("name", "actor", "service", "severity")
GOALS: Final = {"first page": 0.5, "attribute": 3.0}
OTHER_GOAL: Final = 1.0
BATCH: Final = 500

Question = tuple[str, dict[str, Any]]


def main() -> int:
    """Build the database, ask, and show the answers' times."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_page", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="how many are stored (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="how often each kind of question is asked (%(default)s)")
    parser.add_argument(
        "--busy", type=int, default=0, metavar="N", help="store N events a second meanwhile (%(default)s)"
    )
    parser.add_argument("--database", type=Path, help="keep the database here; where it is there already, use it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.database or Path(folder, "events.db")
        if not database.exists():
            print(f"building {database} with {arguments.events} events", file=sys.stderr)
            build(database, arguments.events)
        with (
            Receiver(database, http_port=0, grpc_port=0, max_bytes=None) as receiver,
            Page(receiver, port=0) as page,
            _Busy(receiver, arguments.busy),
        ):
            found = ask(page.port, arguments.events, arguments.rounds)
        size = database.stat().st_size
    if arguments.json:
        written = {
            "events": arguments.events,
            "bytes": size,
            "stored_meanwhile_a_second": arguments.busy,
            "machine": machine.describe(),
            "seconds": found,
        }
        arguments.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    rows = [
        (kind, f"{1000 * of['p50']:.0f}", f"{1000 * of['p95']:.0f}", f"{1000 * of['goal']:.0f}")
        for kind, of in found.items()
    ]
    table.show(("question", "p50 ms", "p95 ms", "goal ms"), rows)
    return 0


def build(database: Path, number: int) -> None:
    """Make a database of realistic events, a month of them, with its search index."""
    with closing(open_writer(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        columns, marks = ", ".join(EventRow._fields), ", ".join("?" * len(EventRow._fields))
        with transaction(connection):
            connection.executemany(f"INSERT INTO events ({columns}) VALUES ({marks})", events(number))  # noqa: S608
        while True:
            with transaction(connection):
                if index_more(connection, PIECE) < PIECE:
                    break
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def events(number: int, *, first: int = 0, start_ns: int = START_NS) -> Iterator[EventRow]:
    """Give events: their times grow, but for some disorder."""
    chance = random.Random(first + 7)  # noqa: S311 # the same ones each time
    names, name_weights = list(dict(NAMES)), list(dict(NAMES).values())
    services, service_weights = list(dict(SERVICES)), list(dict(SERVICES).values())
    actors, actor_weights = [f"user-{at}" for at in range(ACTORS)], [1 / (at + 1) for at in range(ACTORS)]
    resources = {
        service: json_text({"service.name": service, "service.instance.id": f"{service}-1", "host.name": "web-1"})
        for service in services
    }
    step = DAYS * DAY_NS // max(number, 1)
    for at in range(first, first + number):
        name, service = chance.choices(names, name_weights)[0], chance.choices(services, service_weights)[0]
        actor, where, item = chance.choices(actors, actor_weights)[0], chance.choice(TABLES), chance.choice(ITEMS)
        failed = name in ("permission-denied", "login-failed")
        time_ns = start_ns + (at - first) * step + chance.randrange(50 * step)
        uid = f"{at:026d}"
        attributes = {
            "log.record.uid": uid,
            "user.id": actor,
            "app.table": where,
            "app.total": round(chance.random() * 1000, 2),
            "app.num_rows": chance.randrange(1, 100),
            "app.item": item,
            "app.order_id": f"o-{at}",
            "client.address": f"10.0.{at % 256}.{at // 256 % 256}",
            "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "http.request.method": "POST",
            "url.path": f"/shop/{where}/{at % 50}",
            "event.outcome": "failure" if failed else "success",
        }
        yield EventRow(
            uid=uid,
            signal="log",
            time_ns=time_ns,
            observed_ns=time_ns,
            received_ns=time_ns,
            name=name,
            severity_number=13 if failed else 9,
            severity_text="WARN" if failed else "INFO",
            body=f"{actor} did {name} on {where}: {item}",
            actor=actor,
            service=service,
            service_instance=f"{service}-1",
            trace_id=f"{at // 5 + 1:032x}",
            span_id=f"{at + 1:016x}",
            scope="otel_events",
            scope_version="1.0",
            attributes=json_text(attributes),
            dropped_attributes=0,
            resource=resources[service],
        )


def questions(number: int) -> dict[str, Callable[[random.Random], Question]]:
    """Give the kinds of questions, each as a function that makes one; ``number`` is how many events there are."""

    def search(make: Callable[[random.Random], str]) -> Callable[[random.Random], Question]:
        return lambda chance: ("/api/events", {"q": make(chance)})

    def frequent_actor(chance: random.Random) -> str:
        return f"actor:user-{chance.randrange(5)}"

    def counted(path: str, make: Callable[[random.Random], str]) -> Callable[[random.Random], Question]:
        return lambda chance: (
            path,
            {"q": make(chance), "key": FACETS} if path.endswith("facets") else {"q": make(chance)},
        )

    searches: dict[str, Callable[[random.Random], str]] = {
        "name, frequent": lambda chance: f"name:{chance.choice(NAMES[:3])[0]}",
        "name, rare": lambda chance: f"name:{chance.choice(NAMES[-3:])[0]}",
        "actor, frequent": frequent_actor,
        "actor, rare": lambda chance: f"actor:user-{chance.randrange(ACTORS - 100, ACTORS)}",
        "service, frequent": lambda _: "service:shop",
        "service, rare": lambda _: "service:canary",
        "severity": lambda _: "severity:warn",
        "severity, none": lambda _: "severity:error",
        "name, actor and service": lambda chance: f"name:drop-table actor:user-{chance.randrange(400)} service:admin",
        "all but a name": lambda chance: f"-name:{chance.choice(NAMES)[0]}",
        "word, frequent": lambda chance: chance.choice(ITEMS),
        "word, rare": lambda chance: f'"o-{chance.randrange(number)}"',
        "word, none": lambda chance: f"nothing{chance.randrange(1000)}",
        "words": lambda chance: f"{chance.choice(ITEMS)} user-{chance.randrange(300)} login",
        "attribute, frequent": lambda chance: f"app.item:{chance.choice(ITEMS)}",
        "attribute, rare": lambda chance: f"app.order_id:o-{chance.randrange(number)}",
        "attribute, none": lambda chance: f"app.item:nothing{chance.randrange(1000)}",
        "attribute, number": lambda chance: f"app.total>{999.9 + chance.random() / 20:.4f}",
        "attribute, there": lambda chance: f"app.nothing{chance.randrange(1000)}:*",
    }
    counts = ("name, frequent", "actor, frequent", "service, frequent", "word, frequent", "word, rare", "attribute, frequent",
              "attribute, rare", "attribute, number")  # fmt: skip
    kinds: dict[str, Callable[[random.Random], Question]] = {
        "first page": lambda chance: ("/api/events", {"limit": 100 + chance.randrange(5)}),
        "page in the middle": lambda chance: (
            "/api/events",
            {"before": f"{START_NS + chance.randrange(DAYS) * DAY_NS}-{chance.randrange(number)}"},
        ),
        "an hour": lambda chance: (
            "/api/events",
            {"from": (hour := START_NS + chance.randrange(DAYS * 24) * 3_600 * 10**9), "to": hour + 3_600 * 10**9},
        ),
        **{kind: search(make) for kind, make in searches.items()},
        "histogram": lambda chance: ("/api/histogram", {"buckets": 50 + chance.randrange(20)}),
        **{f"histogram: {kind}": counted("/api/histogram", searches[kind]) for kind in counts},
        "facets": lambda chance: ("/api/facets", {"key": FACETS, "limit": 5 + chance.randrange(10)}),
        **{f"facets: {kind}": counted("/api/facets", searches[kind]) for kind in counts},
        "facet of an attribute": lambda chance: ("/api/facets", {"key": "app.item", "limit": 5 + chance.randrange(10)}),
        "one event": lambda chance: (f"/api/events/{chance.randrange(1, number)}", {}),
        "around it": lambda chance: (f"/api/events/{chance.randrange(1, number)}/around", {}),
        "its trace": lambda chance: (f"/api/traces/{chance.randrange(1, number // 5):032x}", {}),
        "an actor": lambda chance: ("/api/actors", {"actor": f"user-{chance.randrange(20)}"}),
        "catalogue": lambda _: ("/api/catalog", {}),
        "status": lambda _: ("/api/status", {}),
    }
    return kinds


def ask(port: int, number: int, rounds: int) -> dict[str, dict[str, float]]:
    """Ask each kind of question several times; give the seconds of the answers: the median, and what 95 of 100 are within."""
    chance = random.Random(1)  # noqa: S311 # the same questions each time
    found = {}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for kind, make in questions(number).items():
            taken = []
            for _ in range(rounds):
                path, parameters = make(chance)
                begun = time.perf_counter()
                connection.request("GET", f"{path}?{urlencode(parameters, doseq=True)}")
                answer = connection.getresponse()
                body = answer.read()
                taken.append(time.perf_counter() - begun)
                if answer.status not in (200, 503):
                    raise RuntimeError(f"{path} {parameters}: {answer.status} {body[:500]!r}")
            goal = next((seconds for beginning, seconds in GOALS.items() if beginning in kind), OTHER_GOAL)
            found[kind] = {"p50": statistics.median(taken), "p95": percentile(taken, 0.95), "goal": goal}
            print(f"{kind}: {found[kind]['p50']:.3f} s, {found[kind]['p95']:.3f} s", file=sys.stderr)
    return found


def percentile(values: list[float], part: float) -> float:
    """Give the least value that at least this part of the values is not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(part * 1000) * len(ordered) // 1000) - 1)]


class _Busy:
    """Stores events at a rate while the block runs."""

    def __init__(self, receiver: Receiver, per_second: int) -> None:
        self._receiver = receiver
        self._per_second = per_second
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._store)
        self.stored = 0

    def _store(self) -> None:
        begun, first = time.monotonic(), 10**9
        while self._per_second and not self._done.wait(
            max(0.0, begun + self.stored / self._per_second - time.monotonic())
        ):
            self._receiver.store.add([*events(BATCH, first=first + self.stored, start_ns=time.time_ns())])
            self.stored += BATCH

    def __enter__(self) -> _Busy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


if __name__ == "__main__":
    sys.exit(main())
