"""Writes the tables of docs/performance.md and draws its picture, from the results that are kept (`make bench-page`)."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Final

from benchmarks import machine, picture, scaling, table, where
from benchmarks.bench import ROOT
from benchmarks.goals import goals_of, scaling_goals_of
from benchmarks.report import Report, Scaling
from benchmarks.ways import WAYS

RESULTS: Final = Path(__file__).with_name("results")
COMPARISON: Final = RESULTS / "compare.json"
SCALING: Final = RESULTS / "scaling.json"
WHERE: Final = RESULTS / "where.json"
PAGE: Final = ROOT / "docs" / "performance.md"
PICTURE: Final = ROOT / "docs" / "images" / "performance.svg"

PARTS: Final = {
    "fields": "fields of 10 characters",
    "characters": "characters in one field",
    "threads": "threads that track",
    "batch": "records in a batch",
    "events": "events in one run",
}


def tables() -> dict[str, str]:
    """Return what stands between the page's marks, by the names of the marks."""
    report, found = Report.read(COMPARISON), Scaling.read(SCALING)
    stages = json.loads(WHERE.read_text(encoding="utf-8"))
    goals = [*goals_of(report), *scaling_goals_of(found)]
    of_parts = [
        table.markdown((title, *scaling.COLUMNS[1:]), scaling.rows_of(found, part)) for part, title in PARTS.items()
    ]
    return {
        "machine": f"{_sentence(report)}\n",
        "ways": table.markdown(table.COLUMNS, table.rows_of(report)),
        "goals": table.markdown(table.GOAL_COLUMNS, table.goal_rows_of(goals)),
        "scaling": "\n".join(of_parts),
        "where": "\n".join(
            table.markdown((WAYS[way].label, *where.COLUMNS), where.rows_of(found)) for way, found in stages.items()
        ),
    }


def _sentence(report: Report) -> str:
    amounts = {name: f"{value:,}" for name, value in report.settings.items()}
    shown = (
        " {pairs} pairs of each two ways that a goal compares; in each, a way tracks {pair_events}, then {pair_calls}."
    )
    pairs = shown.format(**amounts) if report.pairs else ""
    return (
        f"{machine.line(report.machine)}. {amounts['rounds']} rounds; in each, a way tracks {amounts['events']} events for its"
        f" cost, then {amounts['calls']} for its percentiles.{pairs} Queues hold {amounts['queue']} records,"
        f" batches {amounts['batch']}; everything is flushed after {amounts['chunk']} events."
    )


def written(page: str) -> str:
    """Return a page with the tables between its marks ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    for name, text in tables().items():
        pattern = rf"(?<=^<!-- {name} -->\n).*?(?=^<!-- /{name} -->$)"
        page, count = re.subn(pattern, lambda _, text=text: f"\n{text}\n", page, flags=re.MULTILINE | re.DOTALL)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"the page has {count} places between <!-- {name} --> and <!-- /{name} -->; expected one")
    return page


def main() -> int:
    """Write the page and the picture."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture.draw(Report.read(COMPARISON)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
