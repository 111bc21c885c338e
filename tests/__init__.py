"""Tests of otel-events; they mirror the modules of the package."""
