"""Plays all cells of the matrix, the long ones too, and writes docs/failures.md: ``python -m tests.matrix.soak``."""

from __future__ import annotations

import argparse
import platform
import random
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.backends.binaries import COLLECTOR
from tests.backends.servers import Collector
from tests.matrix.cells import CONDITIONS, CONFIRMED, DELIVERIES, JOURNAL, MEMORY
from tests.matrix.ledger import Tally
from tests.matrix.long_cells import flood, killings, long_outage
from tests.matrix.scene import ROOT, Scene, scene

PAGE = ROOT / "docs" / "failures.md"
HEADS = {
    "short": "failure | delivery | acknowledged | refused | arrived | twice | in the journal | dead letters | lost | "
    "counted as lost | in memory instead | median call ms | longest call ms",
    "kills": "delivery | callers | rounds | acknowledged | arrived | twice | in the journal | lost | "
    "rounds that left nothing | most left by one",
    "flood": "events | tracked a second | sent a second | arrived | twice | in the journal | journal MiB | "
    "memory at first MiB | when all were tracked | in the end",
}
SEED = 4711


class Stage:
    """Gives each cell a scene of its own.

    Args:
        folder: For the Collector's files and the journals; other users can reach it.

    Attributes:
        lost: Acknowledged events that were lost from a journal: there should be none.
    """

    def __init__(self, folder: Path) -> None:
        self.lost = 0
        self._folder = folder
        self._count = 0

    def scene(self, delivery: str) -> Iterator[Scene]:
        """Give a scene, with a Collector that writes to files of its own."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir(mode=0o755)
        with (
            Collector(COLLECTOR.path, folder / "collector") as collector,
            scene(collector, folder, delivery, f"cell-{self._count}") as one,
        ):
            yield one


def short_rows(stage: Stage, outage_seconds: float) -> Iterator[str]:
    """Play the short cells and the long outage."""
    for condition in CONDITIONS:
        for delivery in DELIVERIES:
            if delivery != MEMORY or condition.memory is not None:
                for one in stage.scene(delivery):
                    condition.play(one)
                    tally = one.tally()
                    stage.lost += tally.lost if delivery != MEMORY else 0
                    yield row_of(condition.name, delivery, tally)
    for delivery in DELIVERIES:
        for one in stage.scene(delivery):
            tally = long_outage(one, outage_seconds)
            stage.lost += tally.lost if delivery != MEMORY else 0
            yield row_of(f"collector killed for {outage_seconds:g} s", delivery, tally)


def kill_rows(stage: Stage, rounds: int) -> Iterator[str]:
    """Play the rounds of kills."""
    for delivery in (JOURNAL, CONFIRMED):
        for callers in (0, 8):
            for one in stage.scene(delivery):
                found = killings(one, rounds, callers, random.Random(SEED))
                all_of = found.tally
                stage.lost += all_of.lost
                yield row(
                    delivery,
                    f"{callers}, async" if callers else "1, sync",
                    rounds,
                    all_of.acknowledged,
                    all_of.arrived,
                    all_of.repeated,
                    all_of.in_journal,
                    all_of.lost,
                    found.empty_rounds,
                    found.most_left,
                )


def flood_rows(stage: Stage, events: int) -> Iterator[str]:
    """Play the flood."""
    for one in stage.scene(JOURNAL):
        found = flood(one, events)
        stage.lost += found.events - found.arrived
        yield row(
            found.events,
            round(found.events / found.track_seconds),
            round(found.events / found.drain_seconds),
            found.arrived,
            found.repeated,
            found.left,
            round(found.journal_mib),
            round(found.kib_at_first / 1024),
            round(found.kib_tracked / 1024),
            round(found.kib_drained / 1024),
        )


def row_of(name: str, delivery: str, tally: Tally) -> str:
    """Return the row of a cell."""
    return row(
        name,
        delivery,
        tally.acknowledged,
        tally.refused,
        tally.arrived,
        tally.repeated,
        tally.in_journal,
        tally.dead_letters,
        tally.lost,
        "nobody left to count" if tally.counted is None else tally.counted,
        tally.in_memory_instead,
        f"{tally.median_ms:.2f}",
        f"{tally.longest_ms:.0f}",
    )


def row(*cells: object) -> str:
    """Return a row of a table, and show it."""
    line = "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"
    print(line, flush=True)
    return line


def write(name: str, rows: Sequence[str]) -> None:
    """Put a table between its markers on the page."""
    heads = HEADS[name].split(" | ")
    texts = {"failure", "delivery", "callers"}
    rule = "|" + "|".join("---" if head in texts else "---:" for head in heads) + "|"
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    table = "\n".join([f"| {HEADS[name]} |", rule, *rows, ""])
    PAGE.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


def main() -> int:
    """Play what is asked for; return 1 where an acknowledged event was lost from a journal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(HEADS), help="only this table")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of kill -9 for each of the four kinds")
    parser.add_argument("--events", type=int, default=2_000_000, help="events of the flood")
    parser.add_argument("--outage", type=float, default=60.0, help="seconds of the long outage")
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    chosen = parser.parse_args()
    if not COLLECTOR.path.exists():
        parser.error(f"the Collector is not built ({COLLECTOR.path}); run `make backends`")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()}")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        stage = Stage(Path(name))
        tables = {
            "short": lambda: short_rows(stage, chosen.outage),
            "kills": lambda: kill_rows(stage, chosen.rounds),
            "flood": lambda: flood_rows(stage, chosen.events),
        }
        for table in [chosen.only] if chosen.only else tables:
            rows = list(tables[table]())
            if not chosen.no_write:
                write(table, rows)
    if stage.lost:
        print(f"{stage.lost} acknowledged events were lost from a journal.", file=sys.stderr)
    return 1 if stage.lost else 0


if __name__ == "__main__":
    sys.exit(main())
