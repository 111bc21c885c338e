"""``otel-events verify`` tells what is missing and came twice, as lines or JSON, exits 0, 1 or 2, and shows nothing harmful."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from otel_events.cli.main import main
from otel_events.receiver import Receiver
from otel_events.version import VERSION
from tests.backends.servers import Collector, VictoriaLogs
from tests.backends.wait import wait_until
from tests.sdk.support import ROOT, run_script
from tests.verification.support import FINE, STREAM, edited, event, events, line, number_of, said, track, written

SECRET = "planted-4711-secret"


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str]]:
    """Run the command and return its exit code and its lines."""
    code = main(["verify", *map(str, arguments)])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, captured.out.splitlines()


def document(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code, lines = printed(capsys, "--json", *arguments)
    return code, json.loads("\n".join(lines))


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run the command, which refuses, and return why."""
    assert main(["verify", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_a_complete_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "logs.jsonl", events(range(10)), line(said(FINE)))
    assert printed(capsys, path) == (
        0,
        [
            f"otel-events verify {VERSION}",
            "",
            "read",
            f"  {str(path)!r}: 11 records",
            "",
            "streams",
            "  ok    'shop' 'i1' ABCDEFGH  10 emitted, 10 found",
            "",
            "nothing is missing without an explanation",
        ],
    )


def streams_of(lines: list[str]) -> list[str]:
    return [text.strip() for text in lines[lines.index("streams") + 1 :] if text.startswith("  ")]


def test_what_is_said_of_streams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(
        tmp_path / "logs.jsonl",
        events([*range(10), 3, 3, 12], "DDDDDDDD"),
        line(said(FINE._replace(stream="DDDDDDDD", final=False))),
        events([2, 3], "NNNNNNNN"),
        events([0, 2, 4, 6, 8]),
        line(said(FINE._replace(dropped={"queue_full": 1, "refused": 1}, pending=1))),
        events([0], "AAAAAAAA"),
        events([0, 1, 2, 3, 4], "KKKKKKKK"),
        line(said(FINE._replace(stream="KKKKKKKK", delivered=5, pending=5, final=False))),
        events(range(9), "EEEEEEEE"),
        line(said(FINE._replace(stream="EEEEEEEE", dead_letters=1)), {"eventName": "x"}),
        "[]\n",
        events(range(10), "ZZZZZZZZ"),
        line(said(FINE._replace(stream="ZZZZZZZZ"))),
        '{"resourceLogs": [',
    )
    code, lines = printed(capsys, path)
    assert streams_of(lines) == [
        (
            "FAIL  'shop' 'i1' ABCDEFGH  10 emitted, 5 found; 5 missing (1, 3, 5, 7, 9): "
            "explained 3 (dropped.queue_full 1, dropped.refused 1, pending 1), unexplained 2"
        ),
        "note  'shop' 'i1' AAAAAAAA  1 event, no checkpoint",
        (
            "note  'shop' 'i1' DDDDDDDD  10 emitted, 10 found, 1 after its checkpoint; 2 unknown (10-11); "
            "2 duplicates (of 3); its last checkpoint is not there: it goes on, or its process was killed"
        ),
        "note  'shop' 'i1' EEEEEEEE  10 emitted, 9 found; 1 missing (9): explained 1 (dead_letters 1), unexplained 0",
        (
            "note  'shop' 'i1' KKKKKKKK  10 emitted, 5 found; 5 missing (5-9): explained 0, unknown 5 (they were pending), "
            "unexplained 0; its last checkpoint is not there: it goes on, or its process was killed"
        ),
        "note  'shop' 'i1' NNNNNNNN  2 events, no checkpoint; 2 unknown (0-1)",
        "ok    'shop' 'i1' ZZZZZZZZ  10 emitted, 10 found",
    ]
    assert lines[3].endswith(
        "; lines left out, as they are no OTLP JSON: 1, the first is line 11; the last line is not written to its end"
    )
    assert lines[-4:] == [
        "left out: 1 record without a uid",
        "missing without an explanation: 2 events of 1 stream",
        "not there, and unknown why: 9 events of 3 streams",
        (
            "The ends of 4 streams are unknown: without a last checkpoint, what was tracked last may be missing without a "
            "trace."
        ),
    ]
    assert code == 1


def test_where_the_first_ones_are_missing_it_says_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "logs.jsonl", events(range(5, 10)), line(said(FINE)))
    code, lines = printed(capsys, path)
    assert code == 1
    assert lines[-1].startswith(
        "Where the first events of a stream are missing, look whether all parts of a rotated file"
    )


def test_what_is_shown_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "logs.jsonl", *(line(event(0), instance=f"i{number}") for number in range(60)))
    _, lines = printed(capsys, path)
    assert len(streams_of(lines)) == 51
    assert streams_of(lines)[-1] == "… and 10 streams more, all of them with --json"
    assert len(document(capsys, path)[1]["streams"]) == 60
    holes = written(tmp_path / "holes.jsonl", events(range(0, 100, 2)))
    [stream] = streams_of(printed(capsys, holes)[1])
    assert stream.endswith("49 unknown (1, 3, 5, 7, 9, …)")


def test_one_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = FINE._replace(dropped={"queue_full": 1})
    path = written(tmp_path / "logs.jsonl", events([0, 1, 1, 3, 4, 5, 6, 7, 11]), line(said(checkpoint), {}))
    assert document(capsys, path) == (
        1,
        {
            "version": VERSION,
            "fine": False,
            "sources": [{"where": str(path), "records": 11, "notes": []}],
            "totals": {
                "streams": 1,
                "records": 9,
                "events": 8,
                "duplicates": 1,
                "missing": 3,
                "explained": 1,
                "unexplained": 2,
                "unknown": 1,
                "open": 0,
                "others": 1,
            },
            "streams": [
                {
                    "service": "shop",
                    "instance": "i1",
                    "stream": STREAM,
                    "records": 9,
                    "events": 8,
                    "checkpoint": {
                        "stream": STREAM,
                        "emitted": 10,
                        "delivered": 10,
                        "pending": 0,
                        "dropped": {"queue_full": 1},
                        "dead_letters": 0,
                        "final": True,
                    },
                    "duplicates": 1,
                    "repeated": {"numbers": 1, "ranges": 1, "first": [[1, 1]]},
                    "missing": {"numbers": 3, "ranges": 2, "first": [[2, 2], [8, 9]]},
                    "explained": {"dropped.queue_full": 1},
                    "unexplained": 2,
                    "unsettled": 0,
                    "unknown": {"numbers": 1, "ranges": 1, "first": [[10, 10]]},
                }
            ],
        },
    )


def test_a_stream_without_a_checkpoint_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, content = document(capsys, written(tmp_path / "logs.jsonl", events([0])))
    assert (code, content["fine"], content["streams"][0]["checkpoint"]) == (0, True, None)
    assert content["totals"]["open"] == 1


def test_the_memory_of_a_killed_process_is_unknown_and_no_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = said(FINE._replace(delivered=5, pending=5, final=False))
    path = written(tmp_path / "logs.jsonl", events(range(5)), line(checkpoint))
    code, lines = printed(capsys, path)
    assert code == 0
    assert lines[-3:] == [
        "nothing is missing without an explanation",
        "not there, and unknown why: 5 events of 1 stream",
        "The end of 1 stream is unknown: without a last checkpoint, what was tracked last may be missing without a trace.",
    ]
    code, content = document(capsys, path)
    assert (code, content["streams"][0]["explained"], content["streams"][0]["unsettled"]) == (0, {}, 5)
    assert (content["totals"]["explained"], content["totals"]["unknown"]) == (0, 5)


def test_the_same_from_a_collector_victorialogs_and_a_receiver(
    collector: Collector,
    victorialogs: VictoriaLogs,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = "verified everywhere"
    track(200, service, endpoint=collector.http_endpoint)
    wait_until(lambda: len(collector.log_records(service)) > 200)
    wait_until(lambda: len(victorialogs.query(f'"service.name":="{service}"')) > 200)
    database = tmp_path / "events.db"
    with Receiver(database, http_port=0, grpc_port=0) as receiver:
        track(200, service, endpoint=f"http://127.0.0.1:{receiver.http_port}")
    for where in (collector.logs_file, victorialogs.url, database):
        code, lines = printed(capsys, "--service", service, where)
        [stream] = streams_of(lines)
        assert stream.startswith(f"ok    '{service}' ")
        assert stream.endswith("  200 emitted, 200 found")
        assert code == 0

    lost = edited(
        collector.logs_file,
        tmp_path / "lost.jsonl",
        lambda records: [record for record in records if number_of(record) != 77],
    )
    code, lines = printed(capsys, "--service", service, lost)
    assert streams_of(lines)[0].endswith("  200 emitted, 199 found; 1 missing (77): explained 0, unexplained 1")
    assert code == 1


def test_a_process_that_is_killed_leaves_no_last_checkpoint(
    plain_collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    script = """
    tracker = otel_events.configure(event_types=[Ping], pipeline="direct", service_name=sys.argv[1], endpoint=sys.argv[2])
    for number in range(20):
        tracker.track(Ping(number=number))
    tracker.flush(10)
    tracker.track(Ping(number=20))
    os._exit(7)
    """
    assert run_script(script, "verified killed", plain_collector.http_endpoint).returncode == 7
    wait_until(lambda: len(plain_collector.log_records("verified killed")) >= 20)
    code, lines = printed(capsys, "--service", "verified killed", plain_collector.logs_file)
    [stream] = streams_of(lines)
    assert stream.startswith("note  ")
    assert stream.endswith("  20 events, no checkpoint")
    assert lines[-1].startswith("The end of 1 stream is unknown: ")
    assert code == 0


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, tmp_path / "nowhere") == (
        f"otel-events verify: {str(tmp_path / 'nowhere')!r}: No such file or directory\n"
    )
    other = written(tmp_path / "other.txt", "one\ntwo\n")
    assert "is neither a file of OTLP JSON lines" in refused(capsys, other)
    none = written(tmp_path / "none.jsonl", '{"resourceLogs": []}\n')
    assert "no event of otel-events is there" in refused(capsys, none)
    some = written(tmp_path / "some.jsonl", events([0]))
    assert "no event of the service 'bank'" in refused(capsys, "--service", "bank", some)
    assert "No such file" in refused(capsys, some, tmp_path / "nowhere")
    said_of_url = refused(capsys, f"http://joe:{SECRET}@127.0.0.1:1/")
    assert said_of_url.startswith("otel-events verify: http://127.0.0.1:1/: ")
    assert SECRET not in said_of_url


def test_nothing_given_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["verify"])
    assert caught.value.code == 2
    assert "WHERE" in capsys.readouterr().err


def test_what_comes_from_outside_is_shown_harmlessly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harmful = "\x1b[2J[bold]\u202e\r\n" + "x" * 10_000
    record = said(FINE)
    record["attributes"].append({"key": f"otel_events.dropped.{harmful}", "value": {"intValue": "1"}})
    path = written(tmp_path / "lo\x1bgs.jsonl", line(event(0), record, service=harmful, instance=harmful))
    _, lines = printed(capsys, path)
    assert all(text.isprintable() and len(text) < 1000 for text in lines)
    assert any(r"\x1b[2J[bold]\u202e\r\n" in text for text in lines)
    main(["verify", "--json", str(path)])
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.replace("\n", "").isprintable()


def test_the_base_install_is_enough(tmp_path: Path) -> None:
    script = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("rich", "starlette", "uvicorn", "datasette", "trustme", "pytest"):
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
sys.meta_path.insert(0, Without())
from otel_events.cli.main import main
sys.exit(main(["verify", *sys.argv[1:]]))
"""
    path = written(tmp_path / "größe.jsonl", events([0], "AAAAAAAA"), line(event(0), service="größe"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(path)],
        capture_output=True,
        timeout=60.0,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "gr??e" in done.stdout


def test_a_database_needs_what_wrote_it(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    with Receiver(database, http_port=0, grpc_port=0):
        pass
    script = (
        "import sys; sys.modules['starlette'] = None\n"
        f"from otel_events.cli.main import main; sys.exit(main(['verify', {str(database)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'otel-events verify needs starlette: pip install "otel-events[view]"\n'
