"""A file with headers holds what the variable may hold; what it holds wins, is bounded, and is shown nowhere."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from otel_events import SettingsError
from otel_events.settings import resolve
from otel_events.settings.header_file import MAX_BYTES, HeaderFile, found_in, headers_in, shown_path

PLANTED = "planted-4711"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "headers"


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("authorization=Bearer%20abc", {"authorization": "Bearer abc"}),
        ("authorization=Bearer abc\n", {"authorization": "Bearer abc"}),
        ("a=1,b=2\nc=3\r\n\n  \nd=a%2Cb\n", {"a": "1", "b": "2", "c": "3", "d": "a,b"}),
        ("A=x==\n", {"A": "x=="}),
        ("a=%20x%20", {"a": "x"}),
    ],
)
def test_it_holds_what_the_variable_may_hold_also_in_lines(file: Path, text: str, headers: dict[str, str]) -> None:
    file.write_text(text, encoding="utf-8")
    assert headers_in(str(file)) == headers
    assert resolve({"headers_file": file}, {}).logs.headers == headers


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds something else"),
        (b"\n,\n", "holds something else"),
        (PLANTED.encode(), "holds something else"),
        (f"a=1\n{PLANTED}\n".encode(), "holds something else"),
        (f"a b={PLANTED}".encode(), "holds something else"),
        (f"a={PLANTED}%0d%0ab: c".encode(), "holds something else"),
        (f"a={PLANTED}é".encode(), "holds something else"),
        (f"\N{BYTE ORDER MARK}a={PLANTED}".encode(), "holds something else"),
        (f"a={PLANTED}".encode().ljust(MAX_BYTES + 1, b"x"), "is longer than 64 KiB"),
    ],
)
def test_what_holds_no_headers_is_refused_without_a_word_of_it(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ValueError, match=words) as seen:
        headers_in(str(file))
    with pytest.raises(SettingsError) as refused:
        resolve({}, {"OTEL_EVENTS_HEADERS_FILE": str(file)})
    assert f"OTEL_EVENTS_HEADERS_FILE: '{file}' is not a file of at most 64 KiB that can be read, with " in str(
        refused.value
    )
    for error in (seen.value, refused.value):
        assert PLANTED not in "".join(traceback.format_exception(error))


def test_the_most_bytes_are_taken(file: Path) -> None:
    file.write_bytes(b"a=".ljust(MAX_BYTES, b"x"))
    assert len(headers_in(str(file))["a"]) == MAX_BYTES - 2


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is not a regular file"):
        headers_in(str(tmp_path / "pipe"))
    with pytest.raises(IsADirectoryError):
        headers_in(str(tmp_path))
    for value in (tmp_path / "pipe", tmp_path, tmp_path / "none", "x" * 5_000, 5, "a\0b"):
        with pytest.raises(SettingsError):
            resolve({"headers_file": value}, {})


def test_what_stands_in_it_wins_over_all_others_in_whatever_case(file: Path) -> None:
    file.write_text("Authorization=in the file", encoding="utf-8")
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=common,x=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "y=2"}
    settings = resolve({"headers_file": file}, environ)
    assert settings.logs.headers == {"x": "1", "Authorization": "in the file"}
    assert settings.traces.headers == {"y": "2", "Authorization": "in the file"}
    given = resolve({"headers_file": file, "headers": {"AUTHORIZATION": "argument", "z": "3"}}, environ)
    assert given.logs.headers == {"z": "3", "Authorization": "in the file"}
    # What is not in it any more is what it was without it.
    file.write_text("other=1", encoding="utf-8")
    assert given.logs.header_file is not None
    assert given.logs.header_file.read() == {"AUTHORIZATION": "argument", "z": "3", "other": "1"}


def test_the_settings_say_where_it_is_and_no_more(file: Path) -> None:
    file.write_text(f"authorization={PLANTED}", encoding="utf-8")
    settings = resolve({"headers_file": file, "headers": {"x": PLANTED}}, {})
    described = {name: (value, source) for name, value, source in settings.described()}
    assert described["headers_file"] == (str(file), "argument headers_file")
    assert described["logs.headers"] == ("x=…, authorization=…", "argument headers and argument headers_file")
    assert PLANTED not in f"{described} {settings!r} {settings.logs!r} {settings.logs.header_file!r}"


def test_it_is_found_from_another_directory_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("a=1", encoding="utf-8")
    monkeypatch.chdir(file.parent)
    found = found_in(file.name)
    assert (found.path, found.headers) == (str(file), {"a": "1"})
    assert HeaderFile(found.path).read() == {"a": "1"}


def test_a_header_that_was_given_in_place_of_the_path_is_not_shown() -> None:
    for value in (PLANTED, f"authorization=Bearer {PLANTED}", f"/=authorization={PLANTED}"):
        with pytest.raises(SettingsError, match=r"the value given \(not shown\) is not a file") as refused:
            resolve({}, {"OTEL_EVENTS_HEADERS_FILE": value})
        assert PLANTED not in str(refused.value)
    assert shown_path(Path("/run/secrets/otel")) == "'/run/secrets/otel'"


def test_the_headers_now_are_those_of_the_file_while_it_can_be_used(file: Path) -> None:
    file.write_text("a=1", encoding="utf-8")
    logs = resolve({"headers_file": file}, {}).logs
    file.write_text("a=2", encoding="utf-8")
    assert logs.with_headers_now().headers == {"a": "2"}
    file.unlink()
    assert logs.with_headers_now().headers == {"a": "1"}
    without = resolve({}, {}).logs
    assert without.with_headers_now() is without
