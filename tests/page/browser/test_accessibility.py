"""axe-core finds nothing wrong with any view, light or dark, and nothing sticks out of a narrow screen."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.page.browser.serving import Served
from tests.page.browser.watch import Watch

ROWS = "#rows .row"
NARROW: ViewportSize = {"width": 360, "height": 740}
LOW: ViewportSize = {"width": 1280, "height": 600}
"""Some rows are enough: axe-core looks at each element anew."""

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that the other colours may break; all others were checked before."""

RUN = """async (options) => (await axe.run(document, { resultTypes: ["violations"], ...options })).violations
  .flatMap((violation) => violation.nodes.map((node) =>
    `${violation.id}: ${node.html.slice(0, 160)} ${node.failureSummary}`))"""

STICKING_OUT = """async () => {
  // What follows from a new size is drawn with the next frame.
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll("body *")].filter((each) => {
  const box = each.getBoundingClientRect();
  const clipped = each.closest("#mirror, .unseen, .skip, #grid, #legend, pre, .links, symbol");
  return !clipped && box.width > 0 && box.height > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map((each) => each.outerHTML.slice(0, 120));
}"""

Show = Callable[[Page, Served], None]


@pytest.fixture(scope="module")
def axe() -> str:
    """Give the source of axe-core, which the package axe-playwright-python brings."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def show_list(page: Page, served: Served) -> None:
    page.goto(f"{served.url}?live=0&facets=app.table")
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator('#facets section[data-key="app.table"] .value').first).to_be_visible()


def show_columns(page: Page, served: Served) -> None:
    page.goto(f"{served.url}?live=0&q=name:order-placed")
    expect(page.locator(f"{ROWS} .field").first).to_be_attached()


def show_event(page: Page, served: Served) -> None:
    page.goto(f"{served.url}?live=0&q=name:order-placed service:shop-worker")
    page.locator(ROWS).first.click()
    expect(page.locator("#panel .trace")).to_be_visible()
    expect(page.locator("#panel .links a").first).to_be_visible()
    for title in ("Resource", "SQL that finds its like", "OTLP JSON"):
        page.locator("#panel summary", has_text=title).click()


def show_actor(page: Page, served: Served) -> None:
    page.goto(f"{served.url}?view=actor&actor=alice")
    expect(page.locator(".actor .links a").first).to_be_visible()


def show_catalog(page: Page, served: Served) -> None:
    page.goto(f"{served.url}?view=catalog")
    expect(page.locator(".type-card").first).to_be_visible()


def show_nothing_that_fits(page: Page, served: Served) -> None:
    page.goto(f"{served.url}?live=0&q=name:nothing-of-the-kind")
    expect(page.get_by_text("No event fits")).to_be_visible()


def show_help(page: Page, served: Served) -> None:
    show_list(page, served)
    page.keyboard.press("?")


def show_menu(page: Page, served: Served) -> None:
    show_columns(page, served)
    page.get_by_role("button", name="Columns").click()


def show_suggestions(page: Page, served: Served) -> None:
    show_list(page, served)
    page.get_by_role("combobox", name="Search").click()
    expect(page.locator("#suggestions").get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


VIEWS: list[Show] = [
    show_list,
    show_columns,
    show_event,
    show_actor,
    show_catalog,
    show_nothing_that_fits,
    show_help,
    show_menu,
    show_suggestions,
]


def violations(page: Page, axe: str, rules: Sequence[str] = ()) -> list[str]:
    page.evaluate(f"window.axe || ({{}}, (() => {{ {axe} }})())")
    found: list[str] = page.evaluate(RUN, {"runOnly": list(rules)} if rules else {})
    return found


def sticking_out(page: Page) -> list[str]:
    found: list[str] = page.evaluate(STICKING_OUT)
    return found


def name_of(show: Show) -> str:
    return show.__name__.removeprefix("show_")


@pytest.mark.parametrize("show", VIEWS, ids=name_of)
def test_a_view_is_fine_light_dark_and_narrow(page: Page, day: Served, axe: str, show: Show) -> None:
    page.set_viewport_size(LOW)
    show(page, day)
    assert violations(page, axe) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, axe, COLOURS) == []
    page.set_viewport_size(NARROW)
    assert sticking_out(page) == []


def test_the_filters_are_fine_on_a_narrow_screen(page: Page, day: Served, axe: str) -> None:
    page.set_viewport_size(NARROW)
    page.goto(f"{day.url}?live=0")
    page.get_by_role("button", name="Filters").click()
    expect(page.locator("#facets .value").first).to_be_visible()
    assert violations(page, axe) == []
    assert sticking_out(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#facets")).to_be_hidden()


def test_a_page_without_events_is_fine_light_dark_and_narrow(
    empty: Served, watched: Callable[[Served], Watch], axe: str
) -> None:
    page = watched(empty).page
    page.goto(empty.url)
    expect(page.get_by_text("Waiting for the first event")).to_be_visible()
    assert violations(page, axe) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, axe, COLOURS) == []
    page.set_viewport_size(NARROW)
    assert sticking_out(page) == []


def test_motion_is_reduced_where_that_is_asked_for(empty: Served, watched: Callable[[Served], Watch]) -> None:
    page = watched(empty).page
    page.goto(empty.url)
    dot = page.locator(".pulse .dot")
    expect(dot).to_be_visible()
    assert dot.evaluate("each => getComputedStyle(each).animationName") == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert dot.evaluate("each => getComputedStyle(each).animationName") == "pulse"
