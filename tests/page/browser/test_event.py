"""The panel of one event: its attributes, its trace, its actor's other events, its OTLP JSON, and SQL that finds its like."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.page.browser.serving import Served
from tests.page.browser.watch import Watch

ROWS = "#rows .row"


@pytest.fixture
def traced(page: Page, day: Served) -> Page:
    """Give a page with the event of a trace open."""
    page.goto(f"{day.url}?live=0&q=name:order-placed service:shop-worker")
    page.locator(ROWS).first.click()
    expect(page.locator("#panel .trace")).to_be_visible()
    return page


def opened(page: Page, title: str) -> None:
    page.locator("#panel summary", has_text=title).click()


def test_every_attribute_is_there_with_its_type(traced: Page) -> None:
    rows = traced.locator("#panel table.attributes").first.locator("tbody tr")
    cells = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows.all()}
    assert cells["shop.items"][0] == "int"
    assert cells["shop.items"][1].isdigit()
    assert cells["shop.order_id"][0] == "string"
    assert cells["shop.order_id"][1].startswith("w-")
    assert set(cells) == {"user.id", "shop.order_id", "shop.items"}


def test_an_attribute_filters_excludes_and_becomes_a_column(traced: Page) -> None:
    key = traced.get_by_role("button", name="shop.items: what to do with it")
    value = traced.locator("#panel tr", has_text="shop.items").locator(".value").inner_text()
    heads = traced.get_by_role("columnheader").filter(has_text="items")
    for label, count in (("No longer a column", 0), ("As a column", 1)):
        key.click()
        traced.get_by_role("menuitem", name=label, exact=True).click()
        expect(heads).to_have_count(count)
    key.click()
    traced.get_by_role("menuitem", name="Only with this value").click()
    expect(traced.locator("#q")).to_have_value(f"name:order-placed service:shop-worker shop.items:{value}")
    traced.wait_for_function(
        "value => { const all = [...document.querySelectorAll('#rows .field.number')].map((each) => each.textContent);"
        " return all.length > 0 && all.every((each) => each === value); }",
        arg=value,
    )


def test_the_trace_is_a_timeline_with_the_other_events_as_dots(traced: Page) -> None:
    names = traced.locator("#panel .trace .span-name bdi:first-child")
    expect(names.nth(0)).to_have_text("POST /orders")
    assert {re.sub(r" \(error\)$", "", name) for name in names.all_inner_texts()} == {
        "POST /orders",
        "check stock",
        "INSERT orders",
    }
    dots = traced.locator("#panel .event-dot")
    expect(dots).to_have_count(3)
    expect(traced.locator("#panel .event-dot[aria-current=true]")).to_have_attribute(
        "aria-label", re.compile("^order-placed, ")
    )
    spread = dots.evaluate_all("all => all.map((each) => parseFloat(each.style.left))")
    assert len(set(spread)) == 3
    assert all(0 <= left <= 100 for left in spread)
    traced.locator("#panel").get_by_role("button", name=re.compile("^mail-queued, ")).click()
    expect(traced.locator("#panel h2")).to_have_text("mail-queued")


def test_the_same_actors_events_before_and_after_lead_on(traced: Page) -> None:
    links = traced.locator("#panel .links a")
    expect(links.first).to_be_visible()
    times = links.locator("time").evaluate_all("all => all.map((each) => each.title)")
    assert times == sorted(times, reverse=True)
    current = traced.locator("#panel .links a[aria-current=true]")
    expect(current).to_have_count(1)
    other = traced.locator("#panel .links a:not([aria-current])").first
    target = other.get_attribute("data-event")
    other.click()
    expect(traced.locator("#panel .links a[aria-current=true]")).to_have_attribute("data-event", target or "")
    assert f"event={target}" in traced.url


def test_the_otlp_json_is_shown_and_copied(traced: Page) -> None:
    opened(traced, "OTLP JSON")
    shown = json.loads(traced.locator("#panel pre").last.inner_text())
    traced.get_by_role("button", name="Copy OTLP JSON").click()
    expect(traced.get_by_role("status")).to_have_text("Copied OTLP JSON")
    assert json.loads(traced.evaluate("navigator.clipboard.readText()")) == shown
    assert "order-placed" in json.dumps(shown)


def test_the_sql_is_copied_and_finds_the_like_of_the_event(traced: Page, day: Served) -> None:
    opened(traced, "SQL that finds its like")
    traced.get_by_role("button", name="Copy SQL").click()
    expect(traced.get_by_role("status")).to_have_text("Copied SQL")
    sql = traced.evaluate("navigator.clipboard.readText()")
    with closing(sqlite3.connect(day.database)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(sql).fetchall()
    assert rows
    assert {row["name"] for row in rows} == {"order-placed"}


def test_an_event_that_is_not_there_says_so(watched: Callable[[Served], Watch], day: Served) -> None:
    watch = watched(day)
    watch.refusals_allowed = True
    page = watch.page
    page.goto(f"{day.url}?live=0&event=999999999")
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator("#panel .problem")).to_contain_text("not in the database")
