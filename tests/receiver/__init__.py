"""Tests of the embedded OTLP receiver."""
