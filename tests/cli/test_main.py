"""``otel-events``: finds its commands, ends with their exit codes, and says plainly what is wrong or not installed."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.cli.main import COMMANDS, main
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.exceptions import ReceiverError
from otel_events.version import VERSION
from tests.direct.journal.support import leave
from tests.verification.support import FINE, events, line, said, written

NEEDED = {"journal": ["status"], "verify": ["somewhere"]}
"""Arguments without which a command is refused."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "otel_events", *arguments], capture_output=True, text=True, timeout=60)


def test_the_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"otel-events {VERSION}\n", "")


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: otel-events [-h] [--version] COMMAND")
    for command in COMMANDS:
        module = importlib.import_module(f"otel_events.cli.{command}")
        assert command in done.stdout
        assert module.HELP in " ".join(done.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_of_its_own_and_refuses_unknown_options(command: str) -> None:
    helped, refused = run(command, "--help"), run(command, *NEEDED.get(command, ()), "--no-such-option")
    assert helped.returncode == 0
    assert helped.stdout.startswith(f"usage: otel-events {command}")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--no-such-option" in refused.stderr


@pytest.mark.parametrize("arguments", [[], ["no-such-command"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "COMMAND" in done.stderr


@pytest.mark.parametrize(
    ("command", "arguments", "missing", "extra"),
    [
        ("demo", [], "starlette", "view"),
        ("demo", [], "uvicorn", "view"),
        ("demo", [], "rich", "view"),
        ("demo", [], "datasette", "datasette"),
        ("view", ["--terminal"], "rich", "view"),
        ("view", ["--terminal"], "starlette", "view"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    command: str, arguments: list[str], missing: str, extra: str
) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from otel_events.cli.main import main; sys.exit(main({[command, *arguments]!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'otel-events {command} needs {missing}: pip install "otel-events[{extra}]"\n'


def with_command(monkeypatch: pytest.MonkeyPatch, result: int | Exception) -> None:
    """Put a command named ``view`` in place that returns or raises something."""

    def run(arguments: argparse.Namespace) -> int:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(importlib.import_module("otel_events.cli.view"), "run", run)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_is_the_commands(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    with_command(monkeypatch, code)
    assert main(["view"]) == code


def test_an_error_of_ours_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_command(monkeypatch, ReceiverError("port 4318 is taken"))
    assert main(["view"]) == 2
    assert capsys.readouterr() == ("", "otel-events view: port 4318 is taken\n")


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("x", name="otel_events.nowhere"), ValueError("a bug"), BrokenPipeError("of a socket")]
)
def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with_command(monkeypatch, error)
    with pytest.raises(type(error)):
        main(["view"])


def test_the_arguments_of_the_process_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with_command(monkeypatch, 1)
    monkeypatch.setattr("sys.argv", ["otel-events", "view"])
    assert main() == 1


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Give a folder with a file to verify and a journal with dead letters, whose outputs are longer than a pipe has room."""
    written(tmp_path / "logs.jsonl", *(events(range(10), f"{number:08}") for number in range(1000)), line(said(FINE)))
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    leave(directory, "x" * 100_000, dead=[f"{number}-{'x' * 200}" for number in range(500)])
    return tmp_path


@contextlib.contextmanager
def left_pipe() -> Iterator[int]:
    """Give the writing end of a pipe whose reader has left."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["verify", "logs.jsonl"],
        ["verify", "logs.jsonl", "--json"],
        ["journal", "status", "--journal", "journal"],
        ["journal", "replay", "--journal", "journal"],
        ["journal", "dead-letters", "--journal", "journal"],
        ["journal", "dead-letters", "--journal", "journal", "--show", "ID"],
        ["doctor", "--wait", "0"],
    ],
    ids=" ".join,
)
def test_a_reader_that_leaves_is_no_mistake(finished: Path, command: list[str], buffered: bool) -> None:
    [journal] = (finished / "journal").glob("*.journal")
    command = [f"{journal.stem.rpartition('-')[2]}-1" if word == "ID" else word for word in command]
    environ = {
        **os.environ,
        "PYTHONUNBUFFERED": "" if buffered else "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    }
    with left_pipe() as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "otel_events", *command],
            stdout=pipe, stderr=subprocess.PIPE, cwd=finished, env=environ, timeout=60, check=False,
        )  # fmt: skip
    # What argparse cannot print it passes over.
    assert (done.returncode, done.stderr) == (0 if command == ["--help"] and not buffered else 1, b"")


def test_a_reader_of_errors_that_leaves_is_no_mistake(tmp_path: Path) -> None:
    with left_pipe() as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "otel_events", "verify", "nowhere"],
            stdout=pipe, stderr=pipe, cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1


@pytest.mark.parametrize(
    "command", ["verify logs.jsonl", "verify logs.jsonl --json", "journal dead-letters --journal journal"]
)
def test_the_head_of_a_long_output(finished: Path, command: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m otel_events {command} | head -n 1"],
        capture_output=True, cwd=finished, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1
