"""Lines are printed on terminals of any encoding, with a mark in the place of what they lack, and do not act on them."""

from __future__ import annotations

import io

import pytest

from otel_events.cli.lines import counted, print_line


@pytest.mark.parametrize(
    ("encoding", "printed"), [("utf-8", "größe → 1\n"), ("latin-1", "größe ? 1\n"), ("ascii", "gr??e ? 1\n")]
)
def test_what_a_terminal_lacks_is_replaced(monkeypatch: pytest.MonkeyPatch, encoding: str, printed: str) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr("sys.stdout", stdout)
    print_line("größe → 1")
    # It is there at once: nothing here flushes it.
    assert stdout.buffer.getvalue().decode(encoding) == printed


def test_what_would_act_on_a_terminal_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("a\nb \x1b[31m\r\u202e\u2028\x9b é")
    assert capsys.readouterr().out == "a\nb \\x1b[31m\\r\\u202e\\u2028\\x9b é\n"


def test_one_is_not_many() -> None:
    assert [counted(count, "record") for count in (0, 1, 2)] == ["0 records", "1 record", "2 records"]
