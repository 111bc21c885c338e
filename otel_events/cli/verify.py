"""``otel-events verify``: read exported events back, and say what is missing, why, and what came twice."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from otel_events.cli.lines import counted, print_line
from otel_events.version import VERSION

if TYPE_CHECKING:
    from otel_events.verification.report import Ranges, Report, StreamReport

HELP = "read exported events back, and say what is missing, why, and what came twice"

_MAX_STREAMS = 50
_MAX_RANGES = 5
_MARKS = ("FAIL", "note", "ok")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "where",
        metavar="WHERE",
        nargs="+",
        help="a file of OTLP JSON lines, which a Collector's file exporter writes; the database of otel-events view; or the "
        "URL of VictoriaLogs. Several are taken together, as the parts of a rotated file",
    )
    parser.add_argument("--service", metavar="NAME", help="look at events of this service.name only")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Returns:
        0 when nothing is missing without an explanation, 1 when something is. What is unknown is no finding: a process that
        is alive has not sent its last checkpoint yet.

    Raises:
        VerificationError: Something cannot be read, or no event is there.
    """
    from otel_events.verification.sources import verify

    report = verify(args.where, args.service)
    if args.json:
        print(json.dumps(_as_data(report), indent=2))
    else:
        for line in _lines(report):
            print_line(line)
    return 0 if report.fine else 1


def _lines(report: Report) -> Iterator[str]:
    from otel_events.shown import shown

    yield f"otel-events verify {VERSION}"
    yield ""
    yield "read"
    for source in report.sources:
        yield f"  {source.where!r}: {counted(source.records, 'record')}{''.join(f'; {note}' for note in source.notes)}"
    yield ""
    yield "streams"
    marked = sorted(((_MARKS.index(_mark(stream)), stream) for stream in report.streams), key=lambda pair: pair[0])
    for mark, stream in marked[:_MAX_STREAMS]:
        origin = f"{shown(stream.service)} {shown(stream.instance)} {stream.stream}"
        yield f"  {_MARKS[mark]:4}  {origin}  {'; '.join(_words(stream))}"
    if len(marked) > _MAX_STREAMS:
        yield f"  … and {len(marked) - _MAX_STREAMS} streams more, all of them with --json"
    yield ""
    if report.others:
        yield f"left out: {counted(report.others, 'record')} without a uid"
    yield from _verdict(report)


def _verdict(report: Report) -> Iterator[str]:
    if report.fine:
        yield "nothing is missing without an explanation"
    else:
        yield from _what_is_missing(report)
    if unknown := report.totals["unknown"]:
        streams = sum(1 for stream in report.streams if stream.unsettled or stream.unknown.numbers)
        yield f"not there, and unknown why: {counted(unknown, 'event')} of {counted(streams, 'stream')}"
    if count := report.totals["open"]:
        yield (
            f"The {'end' if count == 1 else 'ends'} of {counted(count, 'stream')} {'is' if count == 1 else 'are'} unknown: "
            "without a last checkpoint, what was tracked last may be missing without a trace."
        )


def _what_is_missing(report: Report) -> Iterator[str]:
    bad = [stream for stream in report.streams if stream.unexplained]
    yield (
        f"missing without an explanation: {counted(report.totals['unexplained'], 'event')} "
        f"of {counted(len(bad), 'stream')}"
    )
    if any(stream.events and stream.missing.first[0][0] == 0 for stream in bad):
        yield (
            "Where the first events of a stream are missing, look whether all parts of a rotated file were given, and how long "
            "the backend keeps events."
        )


def _mark(stream: StreamReport) -> str:
    if stream.unexplained:
        return "FAIL"
    fine = stream.ended and not (stream.missing.numbers or stream.unknown.numbers or stream.duplicates)
    return "ok" if fine else "note"


def _words(stream: StreamReport) -> Iterator[str]:
    from otel_events.shown import shown

    checkpoint, missing = stream.checkpoint, stream.missing
    if checkpoint is None:
        yield f"{counted(stream.events, 'event')}, no checkpoint"
    else:
        found = checkpoint.emitted - missing.numbers
        later = f", {stream.events - found} after its checkpoint" if stream.events > found else ""
        yield f"{checkpoint.emitted} emitted, {found} found{later}"
    if missing.numbers:
        reasons = ", ".join(f"{shown(reason)[1:-1]} {count}" for reason, count in stream.explained.items())
        explained = f"explained {sum(stream.explained.values())} ({reasons})" if reasons else "explained 0"
        unsettled = f"unknown {stream.unsettled} (they were pending), " if stream.unsettled else ""
        yield f"{missing.numbers} missing ({_ranges(missing)}): {explained}, {unsettled}unexplained {stream.unexplained}"
    if stream.unknown.numbers:
        yield f"{stream.unknown.numbers} unknown ({_ranges(stream.unknown)})"
    if stream.duplicates:
        yield f"{counted(stream.duplicates, 'duplicate')} (of {_ranges(stream.repeated)})"
    if checkpoint is not None and not checkpoint.final:
        yield "its last checkpoint is not there: it goes on, or its process was killed"


def _ranges(ranges: Ranges) -> str:
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges.first[:_MAX_RANGES]]
    return ", ".join(shown + ["…"] * (ranges.ranges > _MAX_RANGES))


def _as_data(report: Report) -> dict[str, Any]:
    streams = []
    for stream in report.streams:
        data = dataclasses.asdict(stream)
        # It is a tuple, which JSON would have as a list.
        data["checkpoint"] = None if stream.checkpoint is None else stream.checkpoint._asdict()
        streams.append(data)
    return {
        "version": VERSION,
        "fine": report.fine,
        "sources": [dataclasses.asdict(source) for source in report.sources],
        "totals": {**report.totals, "others": report.others},
        "streams": streams,
    }
