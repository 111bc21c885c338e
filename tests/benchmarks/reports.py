"""Reports made up for the tests."""

from __future__ import annotations

from benchmarks.report import Measured, Report


def measured(name: str, cpu_us: float, *, group: str = "others", arrived: int = 100, **values: float) -> Measured:
    numbers = {"per_second": 1e6 / cpu_us, "p50_us": 1.0, "p99_us": 2.0, "p999_us": 3.0, "peak_mib": 40.0, **values}
    return Measured(
        name, f"The way <{name}>", group, [{**numbers, "cpu_us": cpu_us, "arrived": arrived, "expected": 100}]
    )


def report(*ways: Measured, own_ms: float = 10.0) -> Report:
    return Report({"processor": "one"}, {"rounds": 1}, list(ways), {"needed_ms": 20.0, "own_ms": own_ms})
