"""The live list: what it shows, what comes in by itself, what waits while someone reads, and ten thousand rows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.page.browser.serving import Served
from tests.page.browser.shop import send_many, send_one
from tests.page.browser.watch import Watch

ROWS = "#rows .row"
MAX_ROW_ELEMENTS = 120


def test_a_row_has_time_name_actor_service_and_the_readable_line(page: Page, day: Served) -> None:
    send_one(day.otlp_http, "order-placed", "zoe placed order o-1 for 9.99", service="shop-row", user__id="zoe")
    page.goto(f"{day.url}?q=service:shop-row&live=0")
    row = page.locator(ROWS)
    expect(row).to_have_count(1)
    for kind, text in (("name", "order-placed"), ("actor", "zoe"), ("service", "shop-row")):
        expect(row.locator(f".{kind}")).to_have_text(text)
    expect(row.locator(".line")).to_have_text("zoe placed order o-1 for 9.99")
    expect(row.locator("time")).to_have_attribute(
        "title", re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \(UTC\)$")
    )


def test_times_are_local_and_the_switch_makes_them_utc_and_is_remembered(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0")
    shown = page.locator(f"{ROWS} time").first
    utc_hour = int((shown.get_attribute("title") or "")[11:13])
    assert _hour(shown.inner_text()) in ((utc_hour + 1) % 24, (utc_hour + 2) % 24)  # Berlin, winter or summer
    page.get_by_role("button", name="Times: local").click()
    expect(page.get_by_role("button", name="Times: UTC")).to_be_visible()
    assert _hour(page.locator(f"{ROWS} time").first.inner_text()) == utc_hour
    page.reload()
    expect(page.get_by_role("button", name="Times: UTC")).to_be_visible()


def _hour(text: str) -> int:
    found = re.search(r"(\d\d):\d\d:\d\d", text)
    assert found is not None, text
    return int(found[1])


def test_an_event_that_comes_in_appears_by_itself(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?q=service:shop-live")
    expect(page.get_by_text("No event fits")).to_be_visible()
    send_one(day.otlp_http, "order-placed", "the first", service="shop-live")
    expect(page.locator(ROWS)).to_have_count(1)
    send_one(day.otlp_http, "order-placed", "of another service", service="shop-other")
    send_one(day.otlp_http, "order-placed", "the second", service="shop-live")
    expect(page.locator(f"{ROWS} .line")).to_have_text(["the second", "the first"])
    expect(page.locator("#total")).to_have_text("2 events")


def test_paused_events_wait_and_are_counted_until_one_catches_up_or_resumes(page: Page, day: Served) -> None:
    send_many(day.otlp_http, "paused", 3, time.time_ns())
    page.goto(f"{day.url}?q=service:paused")
    expect(page.locator(ROWS)).to_have_count(3)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#connection-text")).to_have_text("Paused")
    for body in ("one", "two"):
        send_one(day.otlp_http, "order-placed", body, service="paused")
    waiting = page.get_by_role("button", name="Show 2 new events")
    expect(waiting).to_be_visible()
    expect(page.locator(ROWS)).to_have_count(3)
    waiting.click()
    expect(page.locator(f"{ROWS} .line").first).to_have_text("two")
    expect(page.locator(ROWS)).to_have_count(5)
    send_one(day.otlp_http, "order-placed", "three", service="paused")
    expect(page.get_by_role("button", name="Show 1 new event")).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.locator(f"{ROWS} .line").first).to_have_text("three")
    expect(page.locator("#connection-text")).to_have_text("Live")


def test_nothing_moves_while_one_reads_further_down_or_has_an_event_open(page: Page, day: Served) -> None:
    send_many(day.otlp_http, "reading", 300, time.time_ns())
    page.goto(f"{day.url}?q=service:reading")
    expect(page.locator(ROWS).first).to_be_visible()
    grid = page.locator("#grid")
    grid.evaluate("grid => { grid.scrollTop = 3000; }")
    row = page.locator(ROWS, has_text=re.compile(r"number 195$"))
    expect(row).to_be_visible()
    before = row.bounding_box()
    send_one(day.otlp_http, "order-placed", "while reading", service="reading")
    expect(page.get_by_role("button", name="Show 1 new event")).to_be_visible()
    assert row.bounding_box() == before
    grid.evaluate("grid => { grid.scrollTop = 0; }")
    expect(page.locator(f"{ROWS} .line").first).to_have_text("while reading")
    page.locator(ROWS, has_text="number 297").click()
    opened = page.locator(ROWS, has_text="number 297")
    expect(opened).to_have_attribute("aria-selected", "true")
    before = opened.bounding_box()
    send_one(day.otlp_http, "order-placed", "with one open", service="reading")
    expect(page.get_by_role("button", name="Show 1 new event")).to_be_visible()
    assert opened.bounding_box() == before


def test_ten_thousand_rows_are_loaded_by_scrolling_and_few_of_them_are_elements(page: Page, day: Served) -> None:
    send_many(day.otlp_http, "many", 10_000, time.time_ns())
    page.goto(f"{day.url}?q=service:many&live=0")
    expect(page.locator("#total")).to_have_text("10,000 events")
    grid = page.locator("#grid")
    page.wait_for_function(
        """() => {
          const grid = document.getElementById("grid");
          grid.scrollTop = grid.scrollHeight;
          return document.getElementById("rows").clientHeight >= 10_000 * 30;
        }""",
        polling=50,
        timeout=30_000,
    )
    expect(page.locator(ROWS, has_text=re.compile(r"number 0$"))).to_be_visible()
    expect(grid).to_have_attribute("aria-rowcount", "10001")
    assert page.locator(ROWS).count() < MAX_ROW_ELEMENTS
    grid.evaluate("grid => { grid.scrollTop = 5000 * 30; }")
    expect(page.locator(ROWS, has_text=re.compile(r"number 4995$"))).to_be_visible()
    assert page.locator(ROWS).count() < MAX_ROW_ELEMENTS
    bodies = page.locator(f"{ROWS} .line").all_inner_texts()
    assert len(bodies) == len(set(bodies))


def test_a_flood_is_followed_without_losing_count(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?q=service:flood")
    expect(page.get_by_text("No event fits")).to_be_visible()
    send_many(day.otlp_http, "flood", 5_000, time.time_ns())
    expect(page.locator(f"{ROWS} .line").first).to_have_text("number 4999")
    expect(page.locator("#total")).to_have_text("5,000 events")
    expect(page.locator("#waiting")).to_be_hidden()


def test_where_one_name_is_chosen_its_typed_fields_are_columns(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?q=name:insert-rows&live=0")
    heads = page.get_by_role("columnheader")
    expect(heads.filter(has_text="num_rows")).to_be_visible()
    expect(heads.filter(has_text="table")).to_be_visible()
    assert page.locator(ROWS).first.locator(".field.number").inner_text().isdigit()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("menuitemcheckbox", name="app.table").click()
    expect(heads.filter(has_text="table")).to_have_count(0)
    page.keyboard.press("Escape")
    assert "columns=" in page.url
    page.reload()
    expect(heads.filter(has_text="num_rows")).to_be_visible()
    expect(heads.filter(has_text="table")).to_have_count(0)


def test_a_lost_connection_is_shown_and_taken_up_again_without_a_gap(
    empty: Served, watched: Callable[[Served], Watch]
) -> None:
    watch = watched(empty)
    watch.refusals_allowed = True
    page = watch.page
    page.goto(empty.url)
    send_one(empty.otlp_http, "order-placed", "before")
    expect(page.locator(f"{ROWS} .line")).to_have_text(["before"])
    empty.stop_page()
    expect(page.locator("#connection-text")).to_have_text("Connection lost, trying again")
    expect(page.get_by_role("status")).to_have_text("Connection lost, trying again")
    send_one(empty.otlp_http, "order-placed", "meanwhile")
    empty.start_page()
    expect(page.locator("#connection-text")).to_have_text("Live")
    expect(page.locator(f"{ROWS} .line")).to_have_text(["meanwhile", "before"])
