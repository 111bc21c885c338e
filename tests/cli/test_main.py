"""``otel-events``: finds its commands, ends with their exit codes, and says plainly what is wrong or not installed."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

import pytest

from otel_events.cli.main import COMMANDS, main
from otel_events.exceptions import ReceiverError
from otel_events.version import VERSION

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


@pytest.mark.parametrize("error", [ModuleNotFoundError("x", name="otel_events.nowhere"), ValueError("a bug")])
def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with_command(monkeypatch, error)
    with pytest.raises(type(error)):
        main(["view"])


def test_the_arguments_of_the_process_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with_command(monkeypatch, 1)
    monkeypatch.setattr("sys.argv", ["otel-events", "view"])
    assert main() == 1
