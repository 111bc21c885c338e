"""What a real Collector loses on the way to real backends is found, part by part, with the hop that lost it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from otel_events.doctor.check import BEHIND_COLLECTOR, TO_BACKEND, WITHIN_COLLECTOR, Check, Mark
from otel_events.doctor.readback import ReadBack, check_read_backs
from otel_events.settings import resolve
from tests.backends.servers import COLLECTOR_YAML, TO_BACKENDS_YAML, Collector, Jaeger, VictoriaLogs
from tests.doctor.support import PLANTED, make_flight, sent
from tests.sdk.support import free_port

STATEMENTS = {
    "event name": ("log", 'set(log.event_name, "")'),
    "body": ("log", 'set(log.body, "")'),
    "attribute user.id": ("log", 'delete_key(log.attributes, "user.id")'),
    "attributes user.id, otel_events.doctor.canary, otel_events.doctor.number, otel_events.doctor.alive, log.record.uid": (
        "log",
        'delete_matching_keys(log.attributes, ".*")',
    ),
    "trace id and span id": (
        "log",
        "set(log.trace_id, TraceID(0x00000000000000000000000000000000))\nset(log.span_id, SpanID(0x0000000000000000))",
    ),
}


def processor(part: str) -> Mapping[str, Any]:
    """Return a processor that loses a part of log records."""
    return {"transform": {"error_mode": "propagate", "log_statements": STATEMENTS[part][1].split("\n")}}


def losing_collector(
    binary: Path, folder: Path, losing: Mapping[str, object], jaeger: Jaeger, victorialogs: VictoriaLogs
) -> Collector:
    """Return a Collector that writes to its files and sends on to the backends, but for what it loses."""
    environment = {"JAEGER_ENDPOINT": jaeger.address("otlp_grpc"), "VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
    return Collector(binary, folder, [COLLECTOR_YAML, TO_BACKENDS_YAML, losing], environment)


def checks_of(collector: Collector, *read_backs: str, wait: float = 10.0) -> list[Check]:
    settings, flight = sent({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint})
    return list(check_read_backs(settings, flight, [ReadBack.parse(one) for one in read_backs], wait))


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("jaeger=http://localhost:16686", "jaeger", "http://localhost:16686"),
        (f"victorialogs=https://joe:{PLANTED}@h/base?key={PLANTED}", "victorialogs", "https://h/base"),
        ("file=/var/log/a=b.jsonl", "file", "/var/log/a=b.jsonl"),
    ],
)
def test_places_are_read(text: str, kind: str, shown: str) -> None:
    one = ReadBack.parse(text)
    assert (one.kind, one.shown) == (kind, shown)
    assert (PLANTED in one.secrets) == (PLANTED in text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jaeger",
        "jaeger=",
        "loki=http://localhost:3100",
        f"http://joe:{PLANTED}@localhost:16686",
        "jaeger=localhost:16686",
        f"jaeger=ftp://joe:{PLANTED}@localhost",
        "jaeger=file:///etc/passwd",
        "jaeger=http://",
        f"jaeger=http://joe:{PLANTED}@localhost:notaport",
        "victorialogs=http://local host",
    ],
)
def test_what_is_no_place_is_refused_without_secrets(text: str) -> None:
    with pytest.raises(ValueError, match=r"jaeger=URL, victorialogs=URL or file=PATH|begins with http") as caught:
        ReadBack.parse(text)
    assert PLANTED not in str(caught.value)


def test_all_arrives_everywhere(collector: Collector, jaeger: Jaeger, victorialogs: VictoriaLogs) -> None:
    checks = checks_of(
        collector,
        f"jaeger={jaeger.url}",
        f"victorialogs={victorialogs.url}",
        f"file={collector.logs_file}",
        f"file={collector.traces_file}",
    )
    assert [(check.mark, check.signals, check.what) for check in checks] == [
        (Mark.OK, ("traces",), "jaeger"),
        (Mark.OK, ("logs",), "victorialogs"),
        (Mark.OK, ("logs",), "file"),
        (Mark.OK, ("traces",), "file"),
    ]
    assert checks[0].seen == f"{jaeger.url}: name, attributes and trace link arrived"
    assert checks[1].seen == f"{victorialogs.url}: name, body, attributes and trace link arrived"


@pytest.mark.parametrize("part", STATEMENTS)
def test_a_part_lost_in_the_collector_is_named(
    collector_binary: Path, tmp_path: Path, jaeger: Jaeger, victorialogs: VictoriaLogs, part: str
) -> None:
    losing = {"processors": processor(part), "service": {"pipelines": {"logs": {"processors": ["transform"]}}}}
    with losing_collector(collector_binary, tmp_path, losing, jaeger, victorialogs) as collector:
        file, logs = checks_of(collector, f"file={collector.logs_file}", f"victorialogs={victorialogs.url}")
    for check, place in ((file, str(collector.logs_file)), (logs, victorialogs.url)):
        assert (check.mark, check.hop) == (Mark.FAIL, WITHIN_COLLECTOR)
        assert check.seen == (
            f"{place}: without {part}; lost within the collector at {collector.http_endpoint}/v1/logs, which accepted it"
        )
        assert check.change == "Look at the processors and exporters of its pipeline for logs."


def test_a_part_lost_behind_the_collector_is_named(
    collector_binary: Path, tmp_path: Path, jaeger: Jaeger, victorialogs: VictoriaLogs
) -> None:
    """The processor stands in a pipeline of its own, so that to the file of the first it is as if the backend lost it."""
    losing = {
        "processors": processor("body"),
        "service": {
            "pipelines": {
                "logs": {"exporters": ["file/logs"]},
                "logs/2": {
                    "receivers": ["otlp"],
                    "processors": ["transform"],
                    "exporters": ["otlp_http/victorialogs"],
                },
            }
        },
    }
    with losing_collector(collector_binary, tmp_path, losing, jaeger, victorialogs) as collector:
        file, with_file = checks_of(collector, f"file={collector.logs_file}", f"victorialogs={victorialogs.url}")
        [without_file] = checks_of(collector, f"victorialogs={victorialogs.url}")
    assert file.mark is Mark.OK
    assert (with_file.mark, with_file.hop) == (Mark.FAIL, TO_BACKEND)
    assert with_file.seen == (
        f"{victorialogs.url}: without body; lost between the collector, which wrote it to its file, and victorialogs"
    )
    assert (without_file.mark, without_file.hop) == (Mark.FAIL, BEHIND_COLLECTOR)
    assert "--read-back file=PATH" in without_file.change


def test_a_canary_lost_in_the_collector_is_missed_everywhere(
    collector_binary: Path, tmp_path: Path, jaeger: Jaeger, victorialogs: VictoriaLogs
) -> None:
    losing = {
        "processors": {"filter": {"logs": {"log_record": ["true"]}, "traces": {"span": ["true"]}}},
        "service": {"pipelines": {"logs": {"processors": ["filter"]}, "traces": {"processors": ["filter"]}}},
    }
    with losing_collector(collector_binary, tmp_path, losing, jaeger, victorialogs) as collector:
        collector.logs_file.touch()
        collector.traces_file.touch()
        checks = checks_of(
            collector,
            f"jaeger={jaeger.url}",
            f"victorialogs={victorialogs.url}",
            f"file={collector.logs_file}",
            f"file={collector.traces_file}",
            wait=1.0,
        )
    assert len(checks) == 4
    for check in checks:
        assert (check.mark, check.hop) == (Mark.FAIL, WITHIN_COLLECTOR)
        assert ": not there after 1 s; lost within the collector at " in check.seen


def test_a_canary_that_the_backend_never_gets(
    collector_binary: Path, tmp_path: Path, jaeger: Jaeger, victorialogs: VictoriaLogs
) -> None:
    nowhere = {"JAEGER_ENDPOINT": f"127.0.0.1:{free_port()}", "VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
    with Collector(collector_binary, tmp_path, [COLLECTOR_YAML, TO_BACKENDS_YAML], nowhere) as collector:
        traces, logs, file = checks_of(
            collector,
            f"jaeger={jaeger.url}",
            f"victorialogs={victorialogs.url}",
            f"file={collector.traces_file}",
            wait=2.0,
        )
        other_file, _ = checks_of(collector, f"jaeger={jaeger.url}", f"file={collector.logs_file}", wait=2.0)
    assert (logs.mark, file.mark) == (Mark.OK, Mark.OK)
    assert (traces.mark, traces.hop) == (Mark.FAIL, TO_BACKEND)
    # The file of log records tells nothing of spans.
    assert (other_file.mark, other_file.hop) == (Mark.FAIL, BEHIND_COLLECTOR)


def test_a_place_that_cannot_be_asked_is_no_loss(collector: Collector) -> None:
    gone, none = checks_of(
        collector, f"jaeger=http://joe:{PLANTED}@127.0.0.1:{free_port()}", "file=/nowhere/x.jsonl", wait=0.5
    )
    assert (gone.mark, gone.hop) == (none.mark, none.hop) == (Mark.FAIL, "")
    assert "refused" in gone.seen
    assert none.seen == "/nowhere/x.jsonl: No such file or directory"
    assert PLANTED not in gone.result


def test_a_place_for_what_is_not_sent_is_told_so() -> None:
    settings, flight = resolve({}, {}), make_flight(accepted=("logs",))
    [check] = check_read_backs(settings, flight, [ReadBack.parse("jaeger=http://localhost:16686")], 5.0)
    assert check.mark is Mark.FAIL
    assert check.seen == "http://localhost:16686: nothing was sent that jaeger holds, which is traces"
    assert check.change == "Set OTEL_EVENTS_SIGNALS=logs,traces."


def test_what_did_not_reach_the_collector_is_not_looked_for() -> None:
    settings, flight = resolve({"signals": "logs,traces"}, {}), make_flight(accepted=())
    places = [
        ReadBack.parse(one) for one in ("jaeger=http://localhost:1", "victorialogs=http://localhost:1", "file=/x")
    ]
    checks = list(check_read_backs(settings, flight, places, 5.0))
    assert [check.mark for check in checks] == [Mark.NOTE] * 3
    assert all("lost between the application and the collector" in check.seen for check in checks)
