"""Fixtures of the browser's tests: one Chromium and one server with a day of events, for all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.page.browser.program import MISSING, arguments, find_chromium
from tests.page.browser.serving import Served, serving
from tests.page.browser.shop import send_day
from tests.page.browser.watch import Watch

WAIT_MS = 20_000


@pytest.fixture(scope="package")
def chromium() -> Path:
    """Give the browser's program; without one the test is skipped, or fails where REQUIRE_BACKENDS=1 is set."""
    found = find_chromium()
    if found is not None:
        return found
    if os.environ.get("REQUIRE_BACKENDS") == "1":
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


@pytest.fixture(scope="package")
def day(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give a server with the day in the shop; a test that adds events gives them a service of their own."""
    with serving(tmp_path_factory.mktemp("page") / "events.db") as served:
        send_day(served.otlp_http, time.time_ns())
        yield served


@pytest.fixture
def empty(chromium: Path, tmp_path: Path) -> Iterator[Served]:
    """Give a server without events."""
    with serving(tmp_path / "events.db") as served:
        yield served


# A package's own, and closed with it: playwright keeps an event loop in this thread, beside which others cannot run.
@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    """Give the running browser."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=arguments())
        yield running
        running.close()


@pytest.fixture(scope="package")
def tab(browser: Browser) -> Iterator[Watch]:
    """Give the one page of all tests: a new one for each takes longer than most of them."""
    context = browser.new_context(timezone_id="Europe/Berlin", locale="en-GB")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(WAIT_MS)
    yield Watch.over(context.new_page())
    context.close()


@pytest.fixture
def watched(tab: Watch) -> Iterator[Callable[[Served], Watch]]:
    """Give a function that makes the page ready for a server; what it should not have done fails the test in the end.

    Nothing is remembered from another test. A server of the test's own has to be asked for first, so that it ends last.
    """

    def watch(served: Served) -> Watch:
        tab.begin(served.url)
        return tab

    yield watch
    try:
        tab.check()
    finally:
        tab.leave()


@pytest.fixture
def page(watched: Callable[[Served], Watch], day: Served) -> Page:
    """Give a page that shows nothing yet, for the server with the day in the shop."""
    return watched(day).page
