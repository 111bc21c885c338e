"""Tests of otel_events/definition."""
