"""The keyboard alone does all: it moves, opens, closes, searches, and the focus returns to where it came from."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.page.browser.serving import Served

ROWS = "#rows .row"


@pytest.fixture
def listed(page: Page, day: Served) -> Page:
    """Give a page that shows the list, at rest."""
    page.goto(f"{day.url}?live=0")
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator("#facets .value").first).to_be_visible()
    return page


def test_j_and_k_move_enter_opens_and_escape_gives_the_focus_back(listed: Page) -> None:
    for key, index in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        listed.keyboard.press(key)
        expect(listed.locator(f"{ROWS}.active")).to_have_attribute("aria-rowindex", str(index + 2))
    grid = listed.locator("#grid")
    expect(grid).to_be_focused()
    active = listed.locator(f"{ROWS}.active")
    assert grid.get_attribute("aria-activedescendant") == active.get_attribute("id")
    listed.keyboard.press("Enter")
    panel = listed.locator("#panel")
    expect(panel).to_be_focused()
    expect(panel.locator(".facts")).to_be_visible()
    opened = listed.url
    listed.keyboard.press("j")
    expect(listed.locator(f"{ROWS}[aria-selected=true]")).to_have_attribute("aria-rowindex", "4")
    assert listed.url != opened
    expect(panel).to_be_focused()
    listed.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(grid).to_be_focused()


def test_home_end_and_the_pages_move_far_and_keep_the_row_in_sight(listed: Page) -> None:
    listed.locator("#grid").focus()
    listed.keyboard.press("PageDown")
    listed.keyboard.press("PageDown")
    expect(listed.locator(f"{ROWS}.active")).to_be_in_viewport()
    assert int(listed.locator(f"{ROWS}.active").get_attribute("aria-rowindex") or 0) > 20
    listed.keyboard.press("End")
    expect(listed.locator(f"{ROWS}.active")).to_be_in_viewport()
    listed.keyboard.press("Home")
    expect(listed.locator(f"{ROWS}.active")).to_have_attribute("aria-rowindex", "2")


def test_slash_goes_to_the_search_and_escape_to_the_list(listed: Page) -> None:
    listed.keyboard.press("/")
    expect(listed.locator("#q")).to_be_focused()
    listed.keyboard.type("jk?")
    expect(listed.locator("#q")).to_have_value("jk?")
    expect(listed.locator("#help-dialog")).to_be_hidden()
    listed.locator("#q").fill("")
    listed.keyboard.press("Escape")  # the suggestions
    listed.keyboard.press("Escape")
    expect(listed.locator("#grid")).to_be_focused()


def test_the_help_opens_and_closes_and_gives_the_focus_back(listed: Page) -> None:
    listed.get_by_role("button", name="Help and keyboard").focus()
    listed.keyboard.press("?")
    dialog = listed.get_by_role("dialog", name="Help")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("next row, which is older")).to_be_visible()
    listed.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(listed.get_by_role("button", name="Help and keyboard")).to_be_focused()


def test_single_keys_can_be_turned_off(listed: Page) -> None:
    listed.keyboard.press("?")
    listed.get_by_role("checkbox").uncheck()
    listed.keyboard.press("Escape")
    listed.keyboard.press("j")
    listed.keyboard.press("c")
    expect(listed.locator(f"{ROWS}.active")).to_have_count(0)
    expect(listed.locator("#events")).to_be_visible()
    listed.locator("#grid").focus()
    listed.keyboard.press("ArrowDown")
    expect(listed.locator(f"{ROWS}.active")).to_have_count(1)


def test_menus_go_by_arrows_and_give_the_focus_back(listed: Page) -> None:
    button = listed.get_by_role("button", name="Download", exact=True)
    button.focus()
    listed.keyboard.press("Enter")
    expect(listed.get_by_role("menuitem", name="CSV")).to_be_focused()
    listed.keyboard.press("ArrowDown")
    expect(listed.get_by_role("menuitem", name="JSON lines")).to_be_focused()
    listed.keyboard.press("Escape")
    expect(listed.get_by_role("menu")).to_be_hidden()
    expect(button).to_be_focused()


def test_p_pauses_e_and_c_change_the_view_and_t_the_theme(listed: Page) -> None:
    listed.keyboard.press("p")
    expect(listed.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    listed.keyboard.press("c")
    expect(listed.get_by_role("heading", name="Catalogue")).to_be_visible()
    listed.keyboard.press("e")
    expect(listed.locator("#grid")).to_be_visible()
    before = listed.evaluate("getComputedStyle(document.body).backgroundColor")
    listed.keyboard.press("t")
    assert listed.evaluate("getComputedStyle(document.body).backgroundColor") != before
    listed.reload()
    assert listed.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_tab_goes_through_the_page_in_its_order(listed: Page) -> None:
    seen: list[str] = []
    for _ in range(80):
        listed.keyboard.press("Tab")
        where = listed.evaluate(
            "(document.activeElement.closest('.skip, #bar, #search, #chart, #facets, #grid') ?? document.body).id || 'skip'"
        )
        if not seen or seen[-1] != where:
            seen.append(where)
        if where == "grid":
            break
    assert seen == ["skip", "bar", "search", "chart", "facets", "grid"]
