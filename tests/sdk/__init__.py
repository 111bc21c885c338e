"""Tests of the SDK pipeline, against real servers."""
