"""Tests of otel_events/settings."""
