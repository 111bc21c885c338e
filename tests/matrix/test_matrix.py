"""Under each delivery and each failure, no event that was acknowledged is lost, but from memory, and that is counted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.servers import Collector
from tests.matrix.cells import CONDITIONS, DELIVERIES, MEMORY, Condition
from tests.matrix.ledger import Tally
from tests.matrix.scene import ROOT, scene

CELLS = [
    (condition, one) for condition in CONDITIONS for one in DELIVERIES if one != MEMORY or condition.memory is not None
]


@pytest.fixture(scope="module")
def matrix_collector(collector_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Run a Collector for all cells; one stops it and starts it again."""
    with Collector(collector_binary, tmp_path_factory.mktemp("matrix")) as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a directory that other users can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def played(condition: Condition, delivery: str, collector: Collector, folder: Path) -> Tally:
    with scene(collector, folder, delivery, f"{condition.name} {delivery}") as one:
        condition.play(one)
        return one.tally()


@pytest.mark.parametrize(("condition", "delivery"), CELLS, ids=[f"{one.name}-{delivery}" for one, delivery in CELLS])
def test_a_cell(condition: Condition, delivery: str, matrix_collector: Collector, folder: Path) -> None:
    tally = played(condition, delivery, matrix_collector, folder)
    expected = condition.expected(delivery)
    assert {name: getattr(tally, name) for name in expected} == expected
    assert tally.acknowledged + tally.refused == tally.tracked
    at_least = condition.memory_at_least if delivery == MEMORY else condition.at_least
    assert {name: getattr(tally, name) for name, least in at_least.items() if getattr(tally, name) < least} == {}
    if delivery != MEMORY:
        assert tally.lost == 0
    elif tally.counted is not None:
        assert tally.counted == tally.lost


def test_the_page_has_every_cell() -> None:
    page = (ROOT / "docs" / "failures.md").read_text(encoding="utf-8")
    for condition, delivery in CELLS:
        assert f"| {condition.name} | {delivery} |" in page
