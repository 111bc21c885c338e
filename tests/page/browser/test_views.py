"""The actor's page, the catalogue, what an empty database says, and the downloads."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.browser.serving import Served
from tests.page.browser.shop import send_one
from tests.page.browser.watch import Watch

ROWS = "#rows .row"


def test_an_actors_page_counts_by_day_and_name_and_leads_to_the_list(page: Page, day: Served) -> None:
    page.goto(f"{day.url}?live=0&q=actor:alice name:login")
    page.locator(ROWS).first.click()
    page.locator("#panel .who a").click()
    expect(page.get_by_role("heading", name="alice")).to_be_visible()
    assert "view=actor" in page.url
    said = re.search(r"([\d,]+) events", page.locator(".actor .summary").inner_text())
    assert said is not None
    counts = [int(text.replace(",", "")) for text in page.locator(".actor table tbody .number").all_inner_texts()]
    assert sum(counts) == int(said[1].replace(",", ""))
    assert counts == sorted(counts, reverse=True)
    expect(page.locator(".actor .days path.bar").first).to_be_attached()
    expect(page.locator(".actor .links li").first).to_be_visible()
    page.locator(".actor table a", has_text="order-placed").click()
    expect(page.locator("#q")).to_have_value("actor:alice name:order-placed")
    expect(page.locator(f"{ROWS} .actor").first).to_have_text("alice")
    page.go_back()
    expect(page.get_by_role("heading", name="alice")).to_be_visible()


def test_the_catalogue_has_each_type_with_its_fields_and_finds_them(page: Page, day: Served) -> None:
    page.goto(day.url)
    page.get_by_role("link", name="Catalogue").click()
    card = page.locator('.type-card[data-name="insert-rows"]')
    expect(card).to_be_visible()
    expect(card.locator(".numbers")).to_contain_text(re.compile(r"[\d,]+ events.*an hour", re.DOTALL))
    expect(card.locator(".summary")).to_contain_text("First seen")
    field = card.locator("tbody tr", has_text="app.num_rows")
    expect(field.locator(".type")).to_have_text("int")
    expect(field.locator(".number")).to_have_text("100 %")
    assert field.locator(".samples code").first.inner_text().isdigit()
    page.get_by_role("searchbox", name="Find a type or a field").fill("num_rows")
    expect(card).to_be_visible()
    expect(page.locator('.type-card[data-name="login"]')).to_be_hidden()
    card.get_by_role("link", name="Show insert-rows in the list").click()
    expect(page.locator("#q")).to_have_value("name:insert-rows")


def test_an_empty_database_tells_what_to_set_and_the_first_event_takes_its_place(
    empty: Served, watched: Callable[[Served], Watch]
) -> None:
    page = watched(empty).page
    page.goto(empty.url)
    setting = f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{empty.otlp_http}"
    expect(page.get_by_text("Waiting for the first event")).to_be_visible()
    expect(page.get_by_text(setting, exact=True)).to_be_visible()
    expect(page.get_by_text(f"http://127.0.0.1:{empty.otlp_grpc} OTEL_EXPORTER_OTLP_PROTOCOL=grpc")).to_be_visible()
    page.get_by_role("button", name="Copy the setting for OTLP over HTTP").click()
    expect(page.get_by_role("status")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == setting
    send_one(empty.otlp_http, "order-placed", "the very first")
    expect(page.locator(f"{ROWS} .line")).to_have_text(["the very first"])
    expect(page.get_by_text("Waiting for the first event")).to_be_hidden()
    expect(page.locator("#chart")).to_be_visible()


@pytest.mark.parametrize("label", ["CSV", "JSON lines", "OTLP JSON"])
def test_what_is_shown_can_be_downloaded(page: Page, day: Served, tmp_path: Path, label: str) -> None:
    page.goto(f"{day.url}?live=0&q=name:drop-table")
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator("#total")).to_have_text(re.compile(r"^\d+ events$"))
    count = int(page.locator("#total").inner_text().split()[0])
    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=label, exact=True).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    text = path.read_text(encoding="utf-8")
    if label == "CSV":
        assert len(list(csv.reader(text.splitlines()))) == count + 1
    elif label == "JSON lines":
        assert {json.loads(line)["name"] for line in text.splitlines()} == {"drop-table"}
        assert len(text.splitlines()) == count
    else:
        assert text.count('"drop-table"') >= count
        json.loads(text.splitlines()[0])
