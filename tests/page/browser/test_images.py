"""The pictures of the page for the documentation, written into docs/images/ where SCREENSHOTS=1 is set."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.page.browser.serving import Served, serving
from tests.page.browser.shop import send_day
from tests.page.browser.watch import Watch

IMAGES = Path(__file__).parents[3] / "docs" / "images"

pytestmark = pytest.mark.skipif(os.environ.get("SCREENSHOTS") != "1", reason="pictures are made with SCREENSHOTS=1")


@pytest.fixture(scope="module")
def plain_day(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give a server with the day in the shop, to which no test adds anything."""
    with serving(tmp_path_factory.mktemp("pictures") / "events.db") as served:
        send_day(served.otlp_http, time.time_ns())
        yield served


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_shows_the_list_and_an_event(
    watched: Callable[[Served], Watch], plain_day: Served, scheme: str
) -> None:
    page = watched(plain_day).page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(plain_day.url)
    page.locator("#rows .row", has_text="order-placed for w-").first.click()
    expect(page.locator("#panel .trace")).to_be_visible()
    expect(page.locator("#panel .links a").first).to_be_visible()
    expect(page.locator("#chart path.bar").first).to_be_attached()
    page.mouse.move(0, 0)
    page.screenshot(path=IMAGES / f"view-{scheme}.png")
