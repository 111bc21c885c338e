"""Search, facets, the histogram and the time range filter the list, and the address holds all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.page.browser.serving import Served
from tests.page.browser.watch import Watch

ROWS = "#rows .row"


def parameters(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def total(page: Page) -> int:
    """Give how many events the histogram counts, once it has."""
    expect(page.locator("#total")).to_have_text(re.compile(r"^[\d,]+ events?$"))
    return int(page.locator("#total").inner_text().split()[0].replace(",", ""))


def expect_cells(page: Page, kind: str, condition: str) -> None:
    """Wait until there are cells of a kind and a condition on their ``text`` holds for each, whatever was there before."""
    page.wait_for_function(
        f"kind => {{ const all = [...document.querySelectorAll(`{ROWS} ${{kind}}`)].map((each) => each.textContent);"
        f" return all.length > 0 && all.every((text) => {condition}); }}",
        arg=kind,
    )


def test_what_is_typed_is_searched_and_the_address_says_it(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0")
    expect(page.locator(ROWS).first).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.insert_text("name:insert-rows num_rows>200")  # At once: "num_rows>" alone is refused.
    page.keyboard.press("Enter")
    expect_cells(page, ".name", "text === 'insert-rows'")
    expect_cells(page, ".field.number", "Number(text) > 200")
    assert parameters(page)["q"] == "name:insert-rows num_rows>200"
    page.get_by_role("button", name="Clear the search").click()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#legend li", has_text="login").first).to_be_visible()


def test_negation_and_words_and_phrases_work(page: Page, day: Served) -> None:
    page.goto(f'{day.url}?live=0&q=-name:order-placed "rows into"')
    expect(page.locator(ROWS).first).to_be_visible()
    assert set(page.locator(f"{ROWS} .name").all_inner_texts()) == {"insert-rows"}


def test_an_error_is_shown_where_it_is(watched: Callable[[Served], Watch], day: Served) -> None:
    watch = watched(day)
    watch.refusals_allowed = True
    page = watch.page
    page.goto(f"{day.url}?live=0")
    expect(page.locator(ROWS).first).to_be_visible()
    box = page.get_by_role("combobox", name="Search")
    box.fill("alice total>x")
    box.press("Enter")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#search-error")).to_contain_text("no number")
    marked = page.locator("#mirror mark")
    expect(marked).to_have_text("total>x")
    mark, field = marked.bounding_box(), box.bounding_box()
    assert mark is not None
    assert field is not None
    assert field["x"] + 34 < mark["x"] < field["x"] + 120  # under "total", which stands after "alice "
    box.fill("alice total>1")
    box.press("Enter")
    expect(page.locator("#search-error")).to_be_hidden()
    expect(box).not_to_have_attribute("aria-invalid", "true")


def test_keys_and_values_are_suggested(watched: Callable[[Served], Watch], day: Served) -> None:
    watch = watched(day)
    # A key that was taken is no search until a value follows; where that takes long, the page asks and is refused.
    watch.refusals_allowed = True
    page = watch.page
    page.goto(f"{day.url}?live=0")
    box = page.get_by_role("combobox", name="Search")
    box.click()
    page.keyboard.type("num_")
    option = page.locator("#suggestions").get_by_role("option", name="num_rows")
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_value(re.compile(r"num_rows:$"))
    box.fill("")
    page.keyboard.type("actor:al")
    expect(page.locator("#suggestions").get_by_role("option", name="alice")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#suggestions").get_by_role("option")).to_have_count(0)
    page.keyboard.type("ice")
    page.keyboard.press("Enter")
    expect_cells(page, ".actor", "text === 'alice'")


def test_facets_count_and_filter_and_change_over_and_exclude(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0")
    names = page.locator('#facets section[data-key="name"]')
    expect(names.get_by_role("button", name=re.compile("^order-placed, "))).to_be_visible()
    for key in ("actor", "service", "severity"):
        expect(page.locator(f'#facets section[data-key="{key}"] .value').first).to_be_visible()
    count = int(names.get_by_role("button", name=re.compile("^login, ")).locator(".count").inner_text())
    names.get_by_role("button", name=re.compile("^login, ")).click()
    expect(page.locator("#total")).to_have_text(f"{count} events")
    assert parameters(page)["q"] == "name:login"
    expect(names.get_by_role("button", name=re.compile("^login, "))).to_have_attribute("aria-pressed", "true")
    names.get_by_role("button", name=re.compile("^insert-rows, ")).click()
    expect(page.locator("#q")).to_have_value("name:insert-rows")
    names.get_by_role("button", name=re.compile("^insert-rows, ")).click()
    expect(page.locator("#q")).to_have_value("")
    names.get_by_role("button", name="Without order-placed").click()
    expect(page.locator("#q")).to_have_value("-name:order-placed")
    expect(names.get_by_role("button", name=re.compile("^order-placed, "))).to_have_count(0)


def test_any_attribute_becomes_a_facet(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0&q=name:insert-rows")
    page.locator(ROWS).first.click()
    page.get_by_role("button", name="app.table: what to do with it").click()
    page.get_by_role("menuitem", name="Count its values").click()
    added = page.locator('#facets section[data-key="app.table"]')
    expect(added.locator(".value").first).to_be_visible()
    assert parameters(page)["facets"] == "app.table"
    value = added.locator(".value bdi").first.inner_text()
    added.locator(".value").first.click()
    expect(page.locator("#q")).to_have_value(f"name:insert-rows app.table:{value}")
    added.get_by_role("button", name="No longer count app.table").click()
    expect(added).to_have_count(0)


def test_dragging_over_the_histogram_filters_by_time_and_back_undoes_it(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0")
    expect(page.locator("#chart path.bar").first).to_be_attached()
    everything = total(page)
    box = page.locator("#chart").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40, steps=4)
    expect(page.locator("#brush")).to_be_visible()
    page.mouse.up()
    expect(page.locator("#brush")).to_be_hidden()
    expect(page.locator("#total")).not_to_have_text(f"{everything:,} events")
    assert 0 < total(page) < everything
    given = parameters(page)
    assert int(given["from"]) < int(given["to"])
    times = page.locator(f"{ROWS} time").evaluate_all("all => all.map((each) => Date.parse(each.dateTime))")
    assert all(int(given["from"]) // 1_000_000 <= time <= int(given["to"]) // 1_000_000 for time in times)
    expect(page.get_by_label("Time range")).to_have_value("own")
    page.go_back()
    expect(page.locator("#total")).to_have_text(f"{everything:,} events")
    page.go_forward()
    expect(page.get_by_label("Time range")).to_have_value("own")
    page.get_by_label("Time range").select_option("All time")
    expect(page.locator("#total")).to_have_text(f"{everything:,} events")


def test_the_histogram_does_the_same_by_keyboard_and_says_what_it_is_on(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0")
    expect(page.locator("#chart path.bar").first).to_be_attached()
    everything = total(page)
    chart = page.get_by_role("slider")
    page.keyboard.press("h")
    expect(chart).to_be_focused()
    page.keyboard.press("End")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"^.+ to .+: \d+ events?\."))
    for _ in range(9):
        page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#brush")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#brush")).to_be_hidden()
    for _ in range(9):
        page.keyboard.press("Shift+ArrowLeft")
    said = re.search(r": ([\d,]+) events?\.", chart.get_attribute("aria-valuetext") or "")
    assert said is not None
    page.keyboard.press("Enter")
    expect(page.locator("#total")).to_have_text(re.compile(rf"^{said[1]} events?$"))
    assert total(page) < everything


def test_a_time_range_is_relative_to_now_and_stays_so_in_the_address(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0")
    expect(page.locator(ROWS).first).to_be_visible()
    everything = total(page)
    page.get_by_label("Time range").select_option("Last hour")
    expect(page.locator("#total")).not_to_have_text(f"{everything:,} events")
    assert parameters(page)["from"] == "-1h"
    assert 0 < total(page) < everything


def test_a_view_that_is_sent_shows_the_same(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0")
    page.locator('#facets section[data-key="name"]').get_by_role("button", name=re.compile("^order-placed, ")).click()
    expect(page.locator("#q")).to_have_value("name:order-placed")
    page.locator(ROWS).nth(2).click()
    expect(page.locator("#panel h2")).to_have_text("order-placed")
    sent = page.url
    shown = page.locator("#panel .facts").inner_text()
    page.goto("about:blank")
    page.goto(sent)
    expect(page.locator("#panel h2")).to_have_text("order-placed")
    assert page.locator("#panel .facts").inner_text() == shown
    expect(page.locator("#q")).to_have_value("name:order-placed")
    expect(page.locator("#connection-text")).to_have_text("Paused")
    page.go_back()


def test_an_address_with_nonsense_shows_the_page(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?event=x&from=soon&to=-&view=no&columns=%25&facets=%25%25&live=maybe")
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator("#panel")).to_be_hidden()
