"""What the receiver of `otel-events view` takes: events a second, CPU an event, memory, and how long a reader waits meanwhile.

The receiver, each sender and the reader are processes of their own. Raw batches are made beforehand and carry times of now, as
those of live senders do, except in the case that spreads them over 30 days. The options: `python -m benchmarks.receiver --help`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from benchmarks import machine, table
from benchmarks.receiver_sending import SENDERS
from benchmarks.receiver_watching import watch
from tests.peak import peak_kib

ROOT: Final = Path(__file__).parents[1]
RESULT: Final = ROOT / "benchmarks" / "results" / "receiver.json"
CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
CHILD_SECONDS: Final = 300.0
READ_PAUSE_SECONDS: Final = 0.05
COLUMNS: Final = (
    "sent as", "events/s", "CPU an event", "peak memory", "read median", "read p95", "found after", "on the page after",
    "page stood still",
)  # fmt: skip
"""The last ones: how long after the last answer all can be found by words, and the newest event is on the page, and how long the
page went without anything new at most."""

READS: Final = (
    "SELECT * FROM events ORDER BY time_ns DESC, id DESC LIMIT 100",
    'SELECT count(*) FROM search WHERE search MATCH \'"order-placed" "user-7"\'',
    "SELECT name, count(*) FROM events WHERE time_ns > (SELECT max(time_ns) FROM events) - 60000000000 GROUP BY name",
)


@dataclass(frozen=True)
class Case:
    """One way of sending.

    Args:
        title: what the table calls it.
        sender: one of ``SENDERS``.
        processes: how many send at once.
        batch: how many events a request has.
        events: how many events each process sends.
        page: whether the live page is open in a browser meanwhile; it then is what reads.
    """

    title: str
    sender: str
    processes: int
    batch: int
    events: int
    page: bool = False


CASES: Final = (
    Case("raw batches of 512, HTTP", "http", 1, 512, 150_000),
    Case("raw batches of 5,000, HTTP", "http", 1, 5_000, 150_000),
    Case("raw batches of 5,000, HTTP, times of 30 days", "http-spread", 1, 5_000, 150_000),
    Case("raw batches of 512, gRPC", "grpc", 1, 512, 150_000),
    Case("raw batches of 512, HTTP, two processes", "http", 2, 512, 100_000),
    Case("raw batches of 512, HTTP, with the page open", "http", 1, 512, 400_000, page=True),
    Case("raw batches of 5,000, HTTP, with the page open", "http", 1, 5_000, 500_000, page=True),
    Case("one event a request, HTTP, 16 connections", "http-many", 1, 1, 8_000),
    Case("the official exporter, HTTP, two processes", "sdk", 2, 512, 40_000),
)


def main() -> int:
    """Measure each case and show the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receiver", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="send so many times the events (%(default)s)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only cases whose title has this")
    parser.add_argument("--folder", type=Path, help="where the database is; default: the folder for temporary files")
    parser.add_argument("--json", type=Path, metavar="FILE", help=f"write the numbers, as {RESULT.name} has them")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve-page", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--send", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve or arguments.serve_page:
        return _serve(arguments.serve or arguments.serve_page, with_page=bool(arguments.serve_page))
    if arguments.watch:
        return watch(arguments.watch)
    if arguments.read:
        return _read(arguments.read)
    if arguments.send:
        sender, address, events, batch = arguments.send
        return _send(sender, address, int(events), int(batch))
    found: dict[str, Any] = {}
    load_before = round(os.getloadavg()[0], 1)
    for case in CASES:
        if arguments.only in case.title:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                found[case.title] = _measure(case, Path(folder, "events.db"), arguments.scale)
                print(f"{case.title}: {json.dumps(found[case.title])}", file=sys.stderr)
    table.show(COLUMNS, [_cells(title, numbers) for title, numbers in found.items()])
    if arguments.json:
        # Others may have used the machine too: then the events a second say less than the CPU an event.
        result = {"machine": machine.describe(), "load_before": load_before, "cases": found}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _measure(case: Case, database: Path, scale: float) -> dict[str, float]:
    events = int(case.events * scale)
    with _child("--serve-page" if case.page else "--serve", str(database)) as receiver:
        ports = _line(receiver)
        senders = [
            _child("--send", case.sender, json.dumps(ports), str(events), str(case.batch))
            for _ in range(case.processes)
        ]
        with contextlib.ExitStack() as stack:
            sending = [stack.enter_context(sender) for sender in senders]
            for sender in sending:
                _line(sender)
            reader = stack.enter_context(
                _child("--watch", ports["page"]) if case.page else _child("--read", str(database))
            )
            _line(reader)
            cpu_before = _cpu_seconds(receiver.pid)
            begun = time.perf_counter()
            for sender in sending:
                _tell(sender)
            sent = [_line(sender) for sender in sending]
            seconds = time.perf_counter() - begun
            _tell(reader, json.dumps({"text": f"order_id=o-{events - 1} "}))
            reads = _line(reader)
        _tell(receiver)
        ended = _line(receiver)
        cpu = _cpu_seconds(receiver.pid) - cpu_before
        peak = peak_kib(receiver.pid) / 1024
        _tell(receiver)
    total = sum(one["events"] for one in sent)
    if ended["stored"] != total:
        raise SystemExit(f"{case.title}: {total} events were sent, and {ended['stored']} are there")
    return {
        "events": total,
        "seconds": round(seconds, 2),
        "events_per_second": round(total / seconds),
        "cpu_us_per_event": round(cpu / total * 1e6, 1),
        "peak_mib": round(peak, 1),
        "found_after_ms": ended["found_after_ms"],
        **{f"{'page' if case.page else 'read'}_{name}": value for name, value in reads.items()},
    }


def _cells(title: str, numbers: dict[str, float]) -> list[str]:
    return [
        title,
        f"{numbers['events_per_second']:,.0f}",
        f"{numbers['cpu_us_per_event']:.1f} µs",
        f"{numbers['peak_mib']:.0f} MiB",
        _milliseconds(numbers, "read_median_ms", 1),
        _milliseconds(numbers, "read_p95_ms", 1),
        _milliseconds(numbers, "found_after_ms", 0),
        _milliseconds(numbers, "page_shown_after_ms", 0),
        _milliseconds(numbers, "page_longest_pause_ms", 0),
    ]


def _milliseconds(numbers: dict[str, float], name: str, digits: int) -> str:
    return f"{numbers[name]:,.{digits}f} ms" if name in numbers else "–"


def _serve(database: Path, *, with_page: bool) -> int:
    from otel_events.receiver import Receiver

    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(Receiver(database, http_port=0, grpc_port=0))
        ports: dict[str, Any] = {"http": receiver.http_port, "grpc": receiver.grpc_port}
        if with_page:
            from otel_events.page import Page

            ports["page"] = stack.enter_context(Page(receiver, port=0)).url
        print(json.dumps(ports), flush=True)
        sys.stdin.readline()
        asked = time.perf_counter()
        while receiver.store.indexed_id < receiver.store.newest_id:
            time.sleep(0.005)
        found_after_ms = round((time.perf_counter() - asked) * 1e3, 1)
        print(json.dumps({"stored": receiver.store.count(), "found_after_ms": found_after_ms}), flush=True)
        sys.stdin.readline()
    return 0


def _read(database: Path) -> int:
    """Ask what a page asks, until told to stop."""
    import select

    from otel_events.receiver.schema import reading

    print("{}", flush=True)
    milliseconds = []
    while not select.select([sys.stdin], [], [], READ_PAUSE_SECONDS)[0]:
        for query in READS:
            begun = time.perf_counter()
            with reading(database) as connection:
                connection.execute(query).fetchall()
            milliseconds.append((time.perf_counter() - begun) * 1e3)
    # The third of three asks for more than the others; p95 is taken over all.
    p95 = statistics.quantiles(milliseconds, n=20)[-1]
    print(json.dumps({"median_ms": round(statistics.median(milliseconds), 2), "p95_ms": round(p95, 2)}), flush=True)
    return 0


def _send(sender: str, ports: str, events: int, batch: int) -> int:
    send = SENDERS[sender](json.loads(ports), events, batch)
    print("{}", flush=True)
    sys.stdin.readline()
    print(json.dumps({"events": send()}), flush=True)
    return 0


@contextlib.contextmanager
def _child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.receiver", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
            process.wait(CHILD_SECONDS)
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> Any:
    text = cast("IO[str]", process.stdout).readline()
    if not text:
        raise SystemExit(f"{process.args!r} ended without an answer")
    return json.loads(text)


def _tell(process: subprocess.Popen[str], line: str = "") -> None:
    stdin = cast("IO[str]", process.stdin)
    stdin.write(f"{line}\n")
    stdin.flush()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


if __name__ == "__main__":
    raise SystemExit(main())
