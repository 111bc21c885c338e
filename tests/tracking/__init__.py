"""Tests of otel_events/tracking."""
