"""Reports made up for the tests."""

from __future__ import annotations

from benchmarks.report import Measured, Paired, Report


def measured(name: str, cpu_us: float, *, group: str = "others", arrived: int = 100, **values: float) -> Measured:
    numbers = {"per_second": 1e6 / cpu_us, "p50_us": 1.0, "p99_us": 2.0, "p999_us": 3.0, "peak_mib": 40.0, **values}
    return Measured(
        name, f"The way <{name}>", group, [{**numbers, "cpu_us": cpu_us, "arrived": arrived, "expected": 100}]
    )


def paired(above: Measured, below: Measured) -> Paired:
    """Return the pair whose runs are the rounds of the two."""
    runs = zip(above.rounds, below.rounds, strict=True)
    return Paired([above.name, below.name], [{above.name: one, below.name: other} for one, other in runs])


def report(*ways: Measured, own_ms: float = 10.0, pairs: tuple[Paired, ...] = ()) -> Report:
    imports = {"needed_ms": 20.0, "own_ms": own_ms}
    return Report({"processor": "one"}, {"rounds": 1}, list(ways), imports, list(pairs))
