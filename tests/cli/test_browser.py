"""The page is opened only where somebody sits in front of a screen, and a machine without a browser does no harm."""

from __future__ import annotations

import io
import sys
import webbrowser

import pytest

from otel_events.cli.browser import open_page, somebody_looks_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("platform", "terminal", "environ", "expected"),
    [
        ("linux", False, {"DISPLAY": ":0"}, False),
        ("linux", True, {}, False),
        ("linux", True, {"DISPLAY": ":0"}, True),
        ("linux", True, {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", True, {"BROWSER": "firefox"}, True),
        ("darwin", True, {}, True),
        ("win32", True, {}, True),
        ("darwin", False, {}, False),
    ],
)
def test_it_is_known_whether_somebody_looks_on(
    monkeypatch: pytest.MonkeyPatch, platform: str, terminal: bool, environ: dict[str, str], expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "stdout", Terminal() if terminal else io.StringIO())
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert somebody_looks_on() == expected


def test_a_machine_without_a_browser_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: url == "http://127.0.0.1:1/")
    assert open_page("http://127.0.0.1:1/")

    def fail(url: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "open", fail)
    assert not open_page("http://127.0.0.1:1/")
