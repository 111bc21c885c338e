"""Tests of what in the benchmarks is pure; what they measure is never a test."""
