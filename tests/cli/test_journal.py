"""``otel-events journal`` finds its directory, passes on what it is asked, and refuses what makes no sense."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from otel_events.cli.main import main
from otel_events.direct.journal.directory import JournalDirectory
from tests.direct.journal.support import leave


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    return directory


def status_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["journal", "status", "--json", *arguments]) == 0
    return str(json.loads(capsys.readouterr().out)["directory"])


def test_the_directory_is_the_one_given_or_that_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    assert status_of(capsys) == str(tmp_path / "otel-events" / "shop")
    assert list(tmp_path.iterdir()) == []
    for name in ("journal", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("OTEL_EVENTS_JOURNAL", str(tmp_path / "journal"))
    assert status_of(capsys) == str(tmp_path / "journal")
    assert status_of(capsys, "--journal", str(tmp_path / "other")) == str(tmp_path / "other")


SUBCOMMANDS = [
    ["status"],
    ["replay"],
    ["dead-letters"],
    ["dead-letters", "--retry"],
    ["dead-letters", "--export", "dead.jsonl"],
]


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("subcommand", SUBCOMMANDS, ids=" ".join)
def test_a_directory_that_is_named_and_not_there_is_wrong_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    subcommand: list[str],
    as_json: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for name in ("mistyped", "file/mistyped"):
        said = f"otel-events journal: the directory {tmp_path / name} of a journal is not there: look at"
        assert main(["journal", *subcommand, *as_json, "--journal", name]) == 2
        assert capsys.readouterr() == ("", f"{said} --journal.\n")
        monkeypatch.setenv("OTEL_EVENTS_JOURNAL", str(tmp_path / name))
        assert main(["journal", *subcommand, *as_json]) == 2
        assert capsys.readouterr() == ("", f"{said} OTEL_EVENTS_JOURNAL.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("subcommand", SUBCOMMANDS, ids=" ".join)
def test_the_default_may_not_be_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], subcommand: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    assert main(["journal", *subcommand]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"there is no journal yet in '{tmp_path}/state/otel-events/shop': ")
    if "--export" not in subcommand:
        assert main(["journal", *subcommand, "--json"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out), dict)
        assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_looked_for_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "status", "--journal", "/" + "x" * 300]) == 2
    assert capsys.readouterr().err.endswith("x of a journal cannot be read: File name too long.\n")


def test_each_subcommand_does_its_own(
    directory: JournalDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = leave(directory, "shop", dead=["a", "b", "c"])
    key = path.stem.rpartition("-")[2]
    journal = ["--journal", str(directory.path)]

    def run(*arguments: str) -> int:
        return main(["journal", arguments[0], *journal, *arguments[1:]])

    assert run("status") == 1
    assert run("dead-letters") == 1
    assert run("dead-letters", "--show", f"{key}-1") == 0
    assert run("dead-letters", "--export", str(tmp_path / "dead.jsonl")) == 0
    assert run("dead-letters", "--drop", f"{key}-1", f"{key}-2") == 2
    assert run("dead-letters", "--drop", f"{key}-1", f"{key}-2", "--yes") == 0
    assert run("dead-letters", "--retry") == 0
    assert run("dead-letters") == 0
    out = capsys.readouterr().out
    for words in (
        "dead letters:",
        f"{key}-3",
        '"request"',
        "exported: 3",
        "dropped: 2",
        "put back: 1",
        "no dead letters",
    ):
        assert words in out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["status", "extra"],
        ["replay", "--wait", "-1"],
        ["replay", "--wait", "soon"],
        ["replay", "--wait", "nan"],
        ["dead-letters", "--drop"],
        ["dead-letters", "--retry", "--drop", "a-1"],
        ["dead-letters", "--show", "a-1", "--export", "f"],
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["journal", *arguments])
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err


def test_what_is_no_directory_and_a_bad_setting_are_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for subcommand in ("status", "dead-letters", "replay"):
        assert main(["journal", subcommand, "--journal", str(tmp_path / "file")]) == 2
        assert (
            f"otel-events journal: the directory {tmp_path / 'file'} of a journal cannot be read"
            in capsys.readouterr().err
        )
    monkeypatch.setenv("OTEL_EVENTS_JOURNAL", "relative")
    assert main(["journal", "status"]) == 2
    assert "OTEL_EVENTS_JOURNAL" in capsys.readouterr().err


def test_it_needs_the_base_install_only(directory: JournalDirectory) -> None:
    leave(directory, "shop", dead=["a"])
    code = """
import sys
for name in ("rich", "starlette", "uvicorn", "datasette", "opentelemetry.sdk"):
    sys.modules[name] = None
from otel_events.cli.main import main
print(main(["journal", "status", "--journal", sys.argv[1]]))
print(main(["journal", "dead-letters", "--journal", sys.argv[1]]))
print(main(["journal", "replay", "--journal", sys.argv[1], "--wait", "0"]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(directory.path)], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert [line for line in done.stdout.splitlines() if line.isdigit()] == ["1", "1", "0"]
