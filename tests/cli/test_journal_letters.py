"""``otel-events journal dead-letters`` shows what was refused, harmlessly, and puts back, exports or drops what it is told to."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events.cli import journal_letters as letters
from otel_events.direct.envelope import Envelope
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import DeadLetter
from otel_events.direct.journal.overview import overview
from otel_events.exceptions import JournalError
from otel_events.receiver.otlp_json import parse_json
from tests.direct.journal.support import event, leave

HOSTILE = "[red]\x1b]0;owned\x07\u202e"


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    return directory


def key_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def hostile(directory: JournalDirectory) -> str:
    """Leave a dead letter of several events, with words that would act on a terminal, and return its id."""
    envelope = Envelope({"service.name": HOSTILE})
    names = [HOSTILE, HOSTILE, *"abcdef"]
    file = directory.create(envelope.wrap(()))
    request = envelope.wrap([event(name) for name in names])
    file.add_dead_letters([DeadLetter(0, request, 8, f"400: {HOSTILE}", 1_700_000_000_000_000_000, True)])
    directory.release(file)
    return f"{key_of(file.path)}-1"


def test_each_is_listed_with_why_and_what_it_is(
    directory: JournalDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = hostile(directory)
    assert letters.listing(directory, as_json=False) == 1
    shown = r"[red]\x1b]0;owned\x07\u202e"
    assert capsys.readouterr().out.splitlines() == [
        f"{wanted}  2023-11-14T22:13:20Z  {shown} ×2, a ×1, b ×1, c ×1, d ×1, …",
        f"    400: {shown}; the server may have taken some",
    ]


def test_the_list_as_json(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    path = leave(directory, "shop", dead=["a"])
    assert letters.listing(directory, as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == {
        "directory": str(directory.path),
        "dead_letters": [
            {
                "id": f"{key_of(path)}-1",
                "path": str(path),
                "owner_alive": False,
                "given_up": "2023-11-14T22:13:20Z",
                "records": 1,
                "possibly_delivered": False,
                "reason": "400: no",
                "events": {"a": 1},
            }
        ],
        "more": 0,
        "problems": [],
    }


def test_a_long_list_is_cut(
    directory: JournalDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "_MAX_LISTED", 3)
    leave(directory, "shop", dead=list("abcdef"))
    assert letters.listing(directory, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert lines[-1] == "… and 3 more; `--export FILE` writes all"


def test_what_cannot_be_looked_into_is_said(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert letters.listing(directory, as_json=False) == 0
    assert capsys.readouterr().out == "no dead letters\n"
    (directory.path / "bad.journal").write_bytes(b"garbage " * 1000)
    file = directory.create(b"request")
    file.add_dead_letters([DeadLetter(0, b"\xff", 1, "why", 1, False)])
    directory.release(file)
    assert letters.listing(directory, as_json=False) == 1
    out = capsys.readouterr().out
    assert "  unreadable\n" in out
    assert "not looked into: the journal" in out


def test_one_is_shown_with_all_that_is_in_it(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = hostile(directory)
    leave(directory, "shop", dead=["other"])
    assert letters.show(directory, wanted) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    document = json.loads(out)
    assert (document["id"], document["records"]) == (wanted, 8)
    request = parse_json(ExportLogsServiceRequest(), json.dumps(document["request"]).encode())
    assert len(request.resource_logs[0].scope_logs[0].log_records) == 8
    with pytest.raises(JournalError, match="there is no dead letter 'x-1'"):
        letters.show(directory, "x-1")


def test_all_are_exported_to_a_new_file_for_its_owner_alone(
    directory: JournalDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(directory, "shop", dead=["a", "b"])
    hostile(directory)
    path = tmp_path / "dead.jsonl"
    assert letters.export(directory, path, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"exported": 3, "problems": []}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    requests = [parse_json(ExportLogsServiceRequest(), line) for line in path.read_bytes().splitlines()]
    names = [[one.event_name for one in request.resource_logs[0].scope_logs[0].log_records] for request in requests]
    assert names == [["a"], ["b"], [HOSTILE, HOSTILE, *"abcdef"]]

    before = path.read_bytes()
    for other in (path, tmp_path / "nowhere" / "dead.jsonl"):
        with pytest.raises(JournalError, match=r"cannot be written: .*Name a file that is not there yet"):
            letters.export(directory, other, as_json=False)
    assert path.read_bytes() == before


def test_some_or_all_are_put_back(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    path = leave(directory, "shop", dead=["a", "b", "c"])
    assert letters.retry(directory, [f"{key_of(path)}-2"], as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "put back: 1",
        "The next process of the application sends them, or now `otel-events journal replay`.",
    ]
    assert letters.retry(directory, [], as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"put_back": 2, "unreadable": [], "problems": []}
    assert letters.listing(directory, as_json=False) == 0
    assert sum(file.records for file in overview(directory)) == 3


def test_who_sends_what_was_put_back_where_a_process_is_alive(
    directory: JournalDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = directory.create(b"request")
    request = Envelope({"service.name": "shop"}).wrap([event("a")])
    mine.add_dead_letters([DeadLetter(0, request, 1, "400: no", 1, False)])
    assert letters.retry(directory, [], as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "put back: 1",
        "A process that is alive sends them within half a minute, or now `otel-events journal replay`.",
    ]
    directory.release(mine)


def test_what_cannot_be_put_back_is_said(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    file = directory.create(b"request")
    file.add_dead_letters([DeadLetter(0, b"\xff", 1, "why", 1, False)])
    directory.release(file)
    assert letters.retry(directory, [], as_json=False) == 1
    assert capsys.readouterr().out.splitlines() == ["put back: 0", f"unreadable: {key_of(file.path)}-1"]


def test_dropping_is_for_those_who_are_sure(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    path = leave(directory, "shop", dead=["a", "b"])
    wanted = [f"{key_of(path)}-1"]
    assert letters.drop(directory, wanted, sure=False, as_json=False) == 2
    assert "nothing is removed. With --yes, 1 dead letter is, for good; " in capsys.readouterr().err
    assert letters.drop(directory, [*wanted * 2, f"{key_of(path)}-2"], sure=False, as_json=True) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert "With --yes, 2 dead letters are, for good; " in errors
    assert letters.drop(directory, wanted, sure=True, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"dropped": 1, "problems": []}
    with pytest.raises(JournalError, match="there is no dead letter"):
        letters.drop(directory, wanted, sure=True, as_json=False)
    assert letters.listing(directory, as_json=False) == 1
    assert "  b ×1\n" in capsys.readouterr().out
