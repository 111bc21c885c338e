"""The picture has a bar for each way outside Datasette whose events arrived, as long as its cost is high, the cheapest first."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.picture import draw
from tests.benchmarks.reports import measured, report

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_the_costs() -> None:
    ways = (
        measured("slow", 100.0),
        measured("fast", 10.0, group="ours"),
        measured("lossy", 5.0, arrived=1),
        measured("plugin", 900.0, group="datasette"),
    )
    picture = ET.fromstring(draw(report(*ways)))
    bars = picture.findall(f"{SVG}rect")
    texts = [text.text for text in picture.findall(f"{SVG}text")]

    assert [bar.get("class") for bar in bars] == ["ours", "others"]
    lengths = [float(bar.get("width", "0")) for bar in bars]
    assert lengths[1] == pytest.approx(10 * lengths[0])
    assert texts[2:] == ["The way <fast>", "10.0 µs", "The way <slow>", "100.0 µs"]


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "http" not in draw(report(measured("a", 1.0))).replace("http://www.w3.org/2000/svg", "")
