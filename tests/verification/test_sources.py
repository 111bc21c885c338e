"""Sources are known by what they are, read as parts of one whole, and refused where there is nothing to verify."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from otel_events.exceptions import VerificationError
from otel_events.receiver import Receiver
from otel_events.verification.database import Database
from otel_events.verification.otlp_file import OtlpFile
from otel_events.verification.report import Ranges, SourceReport
from otel_events.verification.sources import source_of, verify
from otel_events.verification.victorialogs import VictoriaLogs
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.verification.support import FINE, edited, event, events, line, number_of, only, said, track, written

SECRET = "planted-4711-secret"


def test_what_a_source_is(tmp_path: Path) -> None:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0):
        assert isinstance(source_of(str(tmp_path / "events.db")), Database)
    assert isinstance(source_of(str(written(tmp_path / "x.db", "{}"))), OtlpFile)
    source = source_of(f"http://joe:{SECRET}@host:9428")
    assert isinstance(source, VictoriaLogs)
    assert source.where == "http://host:9428"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nowhere", "'nowhere': No such file or directory"),
        (".", "'.': Is a directory"),
        ("a\x1b\0b", r"'a\\x1b\\x00b': embedded null byte"),
        ("http://", "'http://' is not the URL of a server"),
        ("http://a b", "'http://a b' is not the URL of a server"),
        (f"https://joe:{SECRET}@host:port", "'https://host:port' is not the URL of a server"),
    ],
)
def test_what_is_none(text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VerificationError, match=problem):
        source_of(text)


def test_events_from_a_real_collector_with_a_gap_and_duplicates(own_collector: Collector, tmp_path: Path) -> None:
    track(100, "shop", endpoint=own_collector.http_endpoint)
    wait_until(lambda: len(own_collector.log_records()) > 100)
    stream = only(verify([str(own_collector.logs_file)]))
    assert (stream.service, stream.records, stream.duplicates, stream.unexplained) == ("shop", 100, 0, 0)
    assert stream.checkpoint is not None
    assert stream.checkpoint[1:] == (100, 100, 0, {}, 0, True)

    lost, twice = {17, 20, 21, 22}, {40, 41}
    changed = edited(
        own_collector.logs_file,
        tmp_path / "changed.jsonl",
        lambda records: [
            record
            for record in records
            for _ in range(2 if number_of(record) in twice else 1)
            if number_of(record) not in lost
        ],
    )
    stream = only(verify([str(changed)]))
    assert stream.missing == Ranges(4, 2, ((17, 17), (20, 22)))
    assert (stream.unexplained, stream.duplicates) == (4, 2)
    assert stream.repeated == Ranges(2, 1, ((40, 41),))


def test_a_collector_that_was_killed_and_started_again(own_collector: Collector) -> None:
    track(50, "shop", endpoint=own_collector.http_endpoint)
    own_collector.stop(kill=True)
    own_collector.start()
    track(50, "shop", endpoint=own_collector.http_endpoint)
    streams = verify([str(own_collector.logs_file)]).streams
    assert [(stream.events, stream.unexplained, stream.unknown.numbers) for stream in streams] == [(50, 0, 0)] * 2


def test_the_parts_of_a_rotated_file_are_taken_together(tmp_path: Path) -> None:
    older = written(tmp_path / "logs-1.jsonl", events(range(5)))
    newer = written(tmp_path / "logs.jsonl", events(range(5, 10)), line(said(FINE)))
    empty = written(tmp_path / "empty.jsonl")
    for order in ([older, newer, empty], [empty, newer, older]):
        report = verify([str(path) for path in order])
        assert (only(report).missing.numbers, report.fine) == (0, True)
        assert set(report.sources) == {
            SourceReport(str(older), 5, ()),
            SourceReport(str(newer), 6, ()),
            SourceReport(str(empty), 0, ()),
        }
    assert only(verify([str(newer)])).missing == Ranges(5, 1, ((0, 4),))


def test_a_file_and_a_database_are_taken_together(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    with Receiver(database, http_port=0, grpc_port=0) as receiver:
        track(20, "shop", endpoint=f"http://127.0.0.1:{receiver.http_port}")
    [stream] = verify([str(database)]).streams
    file = written(tmp_path / "x.jsonl", events([0], "ZZZZZZZZ"))
    copy = shutil.copy(database, tmp_path / "copy.db")
    report = verify([str(database), str(file), str(copy)])
    found = {one.stream: (one.events, one.duplicates) for one in report.streams}
    assert found == {stream.stream: (20, 20), "ZZZZZZZZ": (1, 0)}


def test_one_service(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", line(event(0), service="shop"), line(event(0), event(1), service="bank"))
    report = verify([str(path)], "shop")
    assert only(report).service == "shop"
    assert report.sources == (SourceReport(str(path), 1, ()),)


@pytest.mark.parametrize(
    ("lines", "service", "problem"),
    [
        ([], None, "^no event of otel-events is there, among log records$"),
        (['{"resourceSpans": []}\n'], None, "^no event of otel-events is there"),
        ([line(event(0), scope="other")], None, "^no event of otel-events is there"),
        ([line({"attributes": []})], None, "among log records; records without a uid: 1$"),
        ([line(event(0))], "bank", r"^no event of the service 'bank'; there are events of \['shop'\]$"),
        ([line(event(0), service="\x1b[1m")], "bank", r"there are events of \['\\x1b\[1m'\]$"),
        ([], "bank", "^no event of otel-events of the service 'bank' is there, among log records$"),
    ],
)
def test_where_there_is_nothing_to_verify(tmp_path: Path, lines: list[str], service: str | None, problem: str) -> None:
    with pytest.raises(VerificationError, match=problem):
        verify([str(written(tmp_path / "x.jsonl", *lines))], service)
