"""``otel-events journal status`` says what each file holds and what there is to see to, in words or as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from otel_events.cli.journal_status import duration, size, status
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.schema import JournalDamagedError
from tests.direct.journal.support import event, leave


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    return directory


def test_each_file_has_a_line_and_there_is_a_total(
    directory: JournalDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = leave(directory, "shop", "a", "b")
    mine = directory.create(b"request")
    mine.append([(event("c"), 1)])
    later = time.time() + 7_300
    monkeypatch.setattr(time, "time", lambda: later)
    assert status(directory, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"journal in '{directory.path}'"
    each, all_of_it = size(len(event("c"))), size(3 * len(event("c")))
    assert [line.split() for line in lines[2:6]] == [
        ["file", "owner", "records", "size", "oldest", "dead", "letters"],
        [left.name, "none", "2", *size(2 * len(event("c"))).split(), "2", "h", "0"],
        [mine.path.name, "alive", "1", *each.split(), "2", "h", "0"],
        ["total", "3", *all_of_it.split(), "2", "h", "0"],
    ]
    waits = "What has no owner is sent by {}, or now by `otel-events journal replay`."
    assert lines[-1] == waits.format("a process that is alive, within half a minute")
    directory.release(mine)
    assert status(directory, as_json=False) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == waits.format("the next process of the application that uses the journal")


def test_dead_letters_are_a_finding(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    leave(directory, "shop", dead=["a"])
    assert status(directory, as_json=False) == 1
    assert capsys.readouterr().out.splitlines()[-1] == (
        "There are dead letters: `otel-events journal dead-letters` lists them."
    )


def test_damage_is_a_finding_before_and_after_it_was_set_aside(
    directory: JournalDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = directory.path / "bad\x1b[31m.journal"
    bad.write_bytes(b"garbage " * 1000)
    assert status(directory, as_json=False) == 1
    out = capsys.readouterr().out
    assert "bad\\x1b[31m.journal" in out
    assert "not looked into: the journal " in out
    assert "file is not a database" in out
    assert "\x1b" not in out

    file = directory.create(b"request")
    directory.set_aside(file, JournalDamagedError("seen"))
    bad.unlink()
    assert status(directory, as_json=False) == 1
    assert f"set aside, damaged: '{file.path}.damaged-" in capsys.readouterr().out


def test_nothing_waits(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(directory, as_json=False) == 0
    assert capsys.readouterr().out == f"journal in '{directory.path}'\n\nnothing waits\n"


def test_one_json_document(directory: JournalDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    left = leave(directory, "shop", "a", dead=["b"])
    aside = leave(directory, "shop", "x").rename(directory.path / "x.journal.damaged-1")
    (directory.path / "x.journal.damaged-1-wal").touch()
    assert status(directory, as_json=True) == 1
    document = json.loads(capsys.readouterr().out)
    [file] = document["files"]
    assert 0 <= file["oldest_seconds"] < 3600
    assert file["bytes"] > 100
    assert file == {
        "path": str(left),
        "owner_alive": False,
        "records": 1,
        "bytes": file["bytes"],
        "oldest_seconds": file["oldest_seconds"],
        "dead_letters": 1,
        "problem": None,
    }
    assert document == {
        "directory": str(directory.path),
        "fine": False,
        "files": [file],
        "damaged": [str(aside)],
        "total": {
            "records": 1,
            "bytes": file["bytes"],
            "oldest_seconds": document["total"]["oldest_seconds"],
            "dead_letters": 1,
        },
    }


def test_units() -> None:
    assert [duration(seconds) for seconds in (-1, 0.4, 59, 60, 3_600, 90_000, 10**7)] == [
        "0 s", "0 s", "59 s", "1 min", "1 h", "1 d", "116 d",
    ]  # fmt: skip
    assert [size(count) for count in (0, 999, 1_000, 1_234_567, 10**9, 10**12)] == [
        "0 B", "999 B", "1.0 kB", "1.2 MB", "1.0 GB", "1.0 TB",
    ]  # fmt: skip
