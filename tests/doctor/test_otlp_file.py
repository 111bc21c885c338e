"""The canary is found in files that a real Collector writes, also in large ones and in such as are being written to."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from otel_events.doctor.arrival import Arrival
from otel_events.doctor.canary import Flight
from otel_events.doctor.otlp_file import find_in_file
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.doctor.support import arrivals, as_log_line, make_flight, sent, written


def found_in(path: Path, flight: Flight) -> list[Arrival]:
    return arrivals(find_in_file(path, flight))


def test_it_is_found_with_all_its_parts(plain_collector: Collector) -> None:
    _, flight = sent({"OTEL_EXPORTER_OTLP_ENDPOINT": plain_collector.http_endpoint})
    for path, signal in ((plain_collector.logs_file, "logs"), (plain_collector.traces_file, "traces")):
        [arrival] = wait_until(functools.partial(found_in, path, flight))
        assert arrival.missing(flight) == []
        assert arrival.signal == signal


def test_the_line_of_the_support_is_one_of_those(tmp_path: Path, flight: Flight) -> None:
    [arrival] = found_in(written(tmp_path / "logs.jsonl", as_log_line(flight)), flight)
    assert arrival.missing(flight) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"eventName": ""},
        {"body": {}},
        {"attributes": []},
        {"traceId": "", "spanId": ""},
        {"attributes": [], "eventName": "", "body": {}},
        {"attributes": [], "traceId": ""},
    ],
)
def test_it_is_found_by_what_is_left_of_it(tmp_path: Path, flight: Flight, changes: dict[str, object]) -> None:
    [arrival] = found_in(written(tmp_path / "logs.jsonl", as_log_line(flight, **changes)), flight)
    assert arrival.missing(flight)


def test_only_the_end_of_a_large_file_is_read(tmp_path: Path, flight: Flight) -> None:
    other = as_log_line(make_flight(canary="0" * 16, body="x" * 1_000_000, trace_id="f" * 32))
    begin = written(tmp_path / "begin.jsonl", as_log_line(flight), *[other] * 10)
    end = written(tmp_path / "end.jsonl", *[other] * 10, as_log_line(flight))
    assert find_in_file(begin, flight) == []
    assert len(find_in_file(end, flight)) == 1


def test_a_line_that_is_not_written_to_its_end_is_waited_for(tmp_path: Path, flight: Flight) -> None:
    line = as_log_line(flight)
    path = written(tmp_path / "logs.jsonl", as_log_line(make_flight(canary="0" * 16, trace_id="f" * 32)), line[:-10])
    assert isinstance(find_in_file(path, flight), str)
    with path.open("a", encoding="utf-8") as file:
        file.write(line[-10:])
    assert len(find_in_file(path, flight)) == 1


def test_a_canary_that_came_twice_is_found_twice(tmp_path: Path, flight: Flight) -> None:
    assert len(find_in_file(written(tmp_path / "logs.jsonl", as_log_line(flight) * 2), flight)) == 2


@pytest.mark.parametrize("content", ["", '{"resourceLogs": []}\n', '{"resourceSpans": []}\n'])
def test_a_file_without_it_may_get_it_yet(tmp_path: Path, flight: Flight, content: str) -> None:
    assert find_in_file(written(tmp_path / "x.jsonl", content), flight) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("one\ntwo\n", "it is no file of OTLP JSON lines"),
        ("{CANARY\n", "a line with the canary is no OTLP JSON"),
        ("[" * 100_000 + "CANARY\n", "a line with the canary is no OTLP JSON"),
        ('["CANARY"]\n', "a line with the canary is JSON of another form"),
        (
            '{"resourceLogs": [{"scopeLogs": [{"logRecords": ["CANARY"]}]}]}\n',
            "a line with the canary is JSON of another",
        ),
    ],
)
def test_another_file_is_told_as_that(tmp_path: Path, flight: Flight, content: str, problem: str) -> None:
    path = written(tmp_path / "x", content.replace("CANARY", flight.canary))
    assert str(find_in_file(path, flight)).startswith(problem)


def test_a_file_of_the_other_signal_is_told_as_that(tmp_path: Path) -> None:
    path = written(tmp_path / "x", '{"resourceSpans": []}\n')
    assert find_in_file(path, make_flight(accepted=("logs",))) == "it holds traces, and the collector was sent none"


def test_a_file_that_cannot_be_read(tmp_path: Path, flight: Flight) -> None:
    assert find_in_file(tmp_path / "nowhere", flight) == "No such file or directory"
    assert find_in_file(tmp_path, flight) == "Is a directory"
