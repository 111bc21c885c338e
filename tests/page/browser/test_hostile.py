"""Whatever an event holds shows as text on every view: no script of it runs, nothing is asked of elsewhere, nothing breaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from playwright.sync_api import Page, expect

from tests.page.browser.serving import Served, serving
from tests.page.browser.shop import any_value, keyed
from tests.page.browser.watch import Watch
from tests.receiver.support import logs_request, post, span, traces_request

ROWS = "#rows .row"
MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)><a href="javascript:alert(4)">'
RIGHT_TO_LEFT = "\u202egnp.exe \u05e9\u05dc\u05d5\u05dd \u2066isolated"
CONTROLS = "nul\x00 bell\x07 escape\x1b[31m newline\nsecond line"
LONG = "long " * (1024 * 1024 // 5)
TRACE_ID = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
NOW_NS = 1_769_853_600_000_000_000


def record(name: str, body: str, time_ns: int = NOW_NS, **attributes: object) -> LogRecord:
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    return LogRecord(
        time_unix_nano=time_ns,
        event_name=name,
        body=any_value(body),
        attributes=[keyed(key, value) for key, value in given.items()],
    )


def hostile() -> list[LogRecord]:
    markup = record(MARKUP, MARKUP, user__id=MARKUP, tags=[MARKUP, 1, None], nested={MARKUP: {MARKUP: MARKUP}})
    markup.attributes.append(keyed(MARKUP, MARKUP))
    markup.severity_text, markup.severity_number = MARKUP, SeverityNumber.SEVERITY_NUMBER_ERROR
    markup.trace_id, markup.span_id = TRACE_ID, b"\x01" * 8
    many = record("many-attributes", "five hundred attributes")
    many.attributes.extend(keyed(f"key.{number}", number) for number in range(500))
    return [
        markup,
        record("right-to-left", RIGHT_TO_LEFT, user__id=RIGHT_TO_LEFT, text=RIGHT_TO_LEFT),
        record("controls", CONTROLS, user__id=CONTROLS, text=CONTROLS),
        record("long", LONG[:20_000], user__id=LONG[:20_000], text=LONG),
        many,
        record("in-1970", "the first nanosecond", time_ns=1, user__id="ancient"),
        record("in-2262", "the last nanosecond", time_ns=2**63 - 1, user__id="ancient"),
        record("twin", "the first of two", log__record__uid="same"),
        record("twin", "the second of two", log__record__uid="same"),
        record(
            "numbers",
            "numbers",
            big=2**63 - 1,
            small=-(2**63),
            nan=float("nan"),
            endless=float("-inf"),
            raw=b"\xff\x00",
        ),
        record("__proto__", "constructor", constructor="toString", __proto__="polluted"),
        record("", "no name, and nobody"),
    ]


@pytest.fixture(scope="module")
def harmed(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give a server that holds the hostile events."""
    with serving(tmp_path_factory.mktemp("hostile") / "events.db") as served:
        service = [keyed("service.name", MARKUP)]
        logs = logs_request(*hostile(), resource=service)
        assert post(served.otlp_http, "/v1/logs", logs.SerializeToString()).status == 200
        spans = [
            span(trace_id=TRACE_ID, span_id=bytes([number]) * 8, parent_span_id=bytes([parent]) * 8, name=MARKUP,
                 start_time_unix_nano=NOW_NS - 5, end_time_unix_nano=NOW_NS - 5 + number)
            for number, parent in ((1, 2), (2, 1), (3, 3), (4, 9))
        ]  # fmt: skip
        traces = traces_request(*spans, resource=service)
        assert post(served.otlp_http, "/v1/traces", traces.SerializeToString()).status == 200
        yield served


@pytest.fixture
def shown(harmed: Served, watched: Callable[[Served], Watch]) -> Page:
    page = watched(harmed).page
    page.goto(f"{harmed.url}?live=0")
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator("#facets .value").first).to_be_visible()
    return page


def markup_made(page: Page) -> int:
    """Give how many elements there are that only an event's markup could have made."""
    return page.locator("img[src=x], main script, svg[onload], a[href^='javascript']").count()


def test_the_list_and_its_facets_show_markup_as_text(shown: Page) -> None:
    row = shown.locator(f"{ROWS}.error")
    for kind in ("name", "actor", "service", "line"):
        expect(row.locator(f".{kind}")).to_contain_text(MARKUP[:60])
    for key in ("name", "actor", "service"):
        expect(shown.locator(f'#facets section[data-key="{key}"]')).to_contain_text("<img src=x")
    assert markup_made(shown) == 0


def test_what_hides_or_reorders_text_is_shown_as_escapes(shown: Page) -> None:
    expect(shown.locator(ROWS, has_text="right-to-left").locator(".line")).to_contain_text("\\u202egnp.exe")
    expect(shown.locator(ROWS, has_text="controls").locator(".line")).to_contain_text("bell\\x07 escape\\x1b[31m")
    text = shown.locator("body").inner_text()
    assert re.findall("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text) == []


def test_every_event_opens(shown: Page) -> None:
    count = shown.locator(ROWS).count()
    assert count == 11  # twins are one
    for _ in range(count):
        shown.keyboard.press("j")
        shown.keyboard.press("Enter")
        name = shown.locator(f"{ROWS}.active .name").inner_text()
        expect(shown.locator("#panel h2")).to_have_text(name)
        expect(shown.locator("#panel table.attributes").or_(shown.locator("#panel details p")).first).to_be_visible()
    assert markup_made(shown) == 0


def test_a_filter_by_hostile_text_finds_the_event_again(shown: Page) -> None:
    shown.locator(f"{ROWS}.error").click()
    key = shown.locator("#panel .attributes .key", has_text="<img src=x").first
    key.click()
    shown.get_by_role("menuitem", name="Only with this value").click()
    expect(shown.locator("#total")).to_have_text("1 event")
    expect(shown.locator(f"{ROWS} .line")).to_contain_text("<img src=x")
    key.click()
    shown.get_by_role("menuitem", name="As a column").click()
    shown.get_by_role("menu").wait_for(state="hidden")
    key.click()
    shown.get_by_role("menuitem", name="Count its values").click()
    expect(shown.locator(f"{ROWS} .field")).to_contain_text("<img src=x")
    shown.reload()
    expect(shown.locator(f"{ROWS} .field")).to_contain_text("<img src=x")
    assert markup_made(shown) == 0


def test_a_trace_whose_spans_go_in_circles_is_drawn(shown: Page) -> None:
    shown.locator(f"{ROWS}.error").click()
    expect(shown.locator("#panel .trace li")).to_have_count(4)
    expect(shown.locator("#panel .trace")).to_contain_text("<script>")
    assert markup_made(shown) == 0


def test_a_value_of_a_mebibyte_is_cut_until_it_is_asked_for(shown: Page) -> None:
    shown.locator(ROWS, has_text="long long long").first.click()
    button = shown.get_by_role("button", name=re.compile("^Show all 1,048,57. characters$"))
    expect(button).to_have_count(1)
    button.click()
    expect(button).to_have_count(0)
    expect(shown.locator("#panel .value.long")).to_have_text(re.compile(r"^(long ){1000}"))


def test_five_hundred_attributes_are_shown_in_two_steps(shown: Page) -> None:
    shown.locator(ROWS, has_text="five hundred").click()
    keys = shown.locator("#panel .attributes .key", has_text="key.")
    expect(keys).to_have_count(100)
    shown.get_by_role("button", name="Show all 500").click()
    expect(keys).to_have_count(500)


def test_the_ends_of_time_are_shown(shown: Page) -> None:
    for name, year in (("in-1970", "1970-01-01"), ("in-2262", "2262-04-1")):
        row = shown.locator(ROWS, has_text=name)
        expect(row.locator("time")).to_contain_text(year)
        expect(row.locator("time")).to_have_attribute("title", re.compile(f"^{year}"))
    expect(shown.locator("#chart path.bar").first).to_be_attached()
    expect(shown.locator("#ticks span").first).to_be_attached()


def test_integers_are_exact(shown: Page) -> None:
    shown.locator(ROWS, has_text="numbers").click()
    values = shown.locator("#panel .attributes").first
    for text in ("9223372036854775807", "-9223372036854775808", "NaN", "-Infinity"):
        expect(values).to_contain_text(text)


def test_the_actor_and_the_catalogue_show_markup_as_text(shown: Page, harmed: Served) -> None:
    shown.locator(f"{ROWS}.error").click()
    shown.locator("#panel .who a").click()
    expect(shown.locator(".actor h1")).to_contain_text("<img src=x")
    expect(shown.locator(".actor .links li").first).to_be_visible()
    assert markup_made(shown) == 0
    shown.goto(f"{harmed.url}?view=catalog")
    expect(shown.locator(".type-card").first).to_be_visible()
    shown.locator(".type-card").evaluate_all("cards => cards.forEach((card) => { card.open = true; })")
    expect(shown.locator(".catalog")).to_contain_text("<img src=x")
    assert markup_made(shown) == 0
