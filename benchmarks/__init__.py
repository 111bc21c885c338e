"""Benchmarks: ratios, with both sides in one run against the same real Collector. Never part of the tests."""
