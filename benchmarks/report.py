"""What was measured, as data: in memory, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Measured:
    """What was measured of a way.

    Args:
        name: The way's name.
        label: What it is called.
        group: ``ours``, ``others`` or ``datasette``.
        rounds: What each run gave.
        wire_bytes: Sent for an event; None where nothing is sent, or it was not measured.
        error: What its process said when it failed.
    """

    name: str
    label: str
    group: str
    rounds: list[dict[str, float]] = field(default_factory=list)
    wire_bytes: float | None = None
    error: str | None = None

    def median(self, key: str) -> float:
        """Return the median of the rounds."""
        return statistics.median(one[key] for one in self.rounds)

    def total(self, key: str) -> int:
        """Return the sum of the rounds."""
        return int(sum(one[key] for one in self.rounds))

    @property
    def complete(self) -> bool:
        """Whether everything arrived."""
        return self.error is None and self.total("arrived") == self.total("expected") > 0


@dataclass
class Paired:
    """What was measured of two ways that run right after each other, again and again.

    Args:
        ways: Their names.
        runs: What each pair of runs gave, by the names, in the order in which the two were run.
        error: Why the pair was given up, where it was.
    """

    ways: list[str]
    runs: list[dict[str, dict[str, float]]] = field(default_factory=list)
    error: str | None = None


@dataclass
class Report:
    """What one run of the comparison gave.

    Args:
        machine: Where it ran, with what.
        settings: How much was tracked, and how.
        ways: What was measured of each way.
        imports: The times of ``import otel_events``.
        pairs: What was measured of each pair of ways.
    """

    machine: dict[str, str]
    settings: dict[str, int]
    ways: list[Measured]
    imports: dict[str, float]
    pairs: list[Paired] = field(default_factory=list)

    def way(self, name: str) -> Measured | None:
        """Return what was measured of a way, or None where it was not, or failed."""
        return next((way for way in self.ways if way.name == name and way.complete), None)

    def runs(self, *names: str) -> list[dict[str, dict[str, float]]]:
        """Return the runs of a pair of ways: none where it was not measured, where it failed, or one of its ways did."""
        if not all(self.way(name) for name in names):
            return []
        return next((pair.runs for pair in self.pairs if set(pair.ways) == set(names) and pair.error is None), [])

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Report:
        """Read what ``write`` wrote."""
        found = json.loads(path.read_text(encoding="utf-8"))
        ways, pairs = [Measured(**way) for way in found["ways"]], [Paired(**pair) for pair in found.get("pairs", ())]
        return cls(**{**found, "ways": ways, "pairs": pairs})


@dataclass
class Point:
    """What a way costs at one size.

    Args:
        part: Of which size there are several: ``fields``, ``characters``, ``threads``, ``batch``, ``events``.
        size: Which one it is.
        way: The way's name.
        rounds: What each run gave.
    """

    part: str
    size: int
    way: str
    rounds: list[dict[str, float]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything arrived."""
        return bool(self.rounds) and all(one["arrived"] == one["expected"] for one in self.rounds)


@dataclass
class Scaling:
    """What one run of the measurements of scaling gave.

    Args:
        machine: Where it ran, with what.
        points: What was measured at each size.
        backlogs: What was measured of each backlog.
    """

    machine: dict[str, str]
    points: list[Point]
    backlogs: list[dict[str, float]]

    def costs(self, part: str, way: str) -> dict[int, float]:
        """Return the CPU time of an event in microseconds at each size, in the order of the sizes."""
        return {
            point.size: statistics.median(one["cpu_us"] for one in point.rounds)
            for point in sorted(self.points, key=lambda point: point.size)
            if point.part == part and point.way == way and point.complete
        }

    def incomplete(self) -> list[str]:
        """Return what did not arrive as a whole."""
        points = [f"{point.way}, {point.part} {point.size:,}" for point in self.points if not point.complete]
        backlogs = [one for one in self.backlogs if one["arrived"] != one["expected"]]
        return [*points, *(f"backlog of {one['events']:,}" for one in backlogs)]

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Scaling:
        """Read what ``write`` wrote."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "points": [Point(**point) for point in found["points"]]})
