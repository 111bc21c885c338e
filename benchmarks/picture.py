"""Draws the CPU time of an event on each way, as bars on a linear scale, in SVG that is legible on light and on dark pages."""

from __future__ import annotations

from html import escape
from typing import Final

from benchmarks.report import Report

WIDTH: Final = 940
LABELS: Final = 440
NUMBERS: Final = 90
TOP: Final = 64
STEP: Final = 30
BAR: Final = 18

_STYLE: Final = """
text { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 14px; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; }
.small { font-size: 12px; fill: #59636e; }
.ours { fill: #0969da; }
.others { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .small { fill: #9198a1; }
  .ours { fill: #4493f8; }
  .others { fill: #656c76; }
}"""
TITLE: Final = "CPU time of one event, created, tracked and acknowledged"


def draw(report: Report) -> str:
    """Return the picture of a report.

    Args:
        report: Its ways outside Datasette that are complete are drawn, the cheapest first.
    """
    ways = sorted(
        (way for way in report.ways if way.complete and way.group != "datasette"), key=lambda way: way.median("cpu_us")
    )
    longest = max((way.median("cpu_us") for way in ways), default=1.0)
    room = WIDTH - LABELS - NUMBERS
    height = TOP + STEP * len(ways) + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{TITLE}</title>",
        f"<style>{_STYLE}\n</style>",
        f'<text class="title" x="16" y="28">{TITLE}</text>',
        f'<text class="small" x="16" y="48">microseconds, less is better · {escape(report.machine.get("processor", ""))}</text>',
    ]
    for index, way in enumerate(ways):
        cost = way.median("cpu_us")
        top, length = TOP + STEP * index, max(room * cost / longest, 1.0)
        middle = top + BAR // 2 + 5
        lines += [
            f'<text x="{LABELS - 12}" y="{middle}" text-anchor="end">{escape(way.label)}</text>',
            f'<rect class="{way.group}" x="{LABELS}" y="{top}" width="{length:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{LABELS + length + 8:.1f}" y="{middle}">{cost:,.1f} µs</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
