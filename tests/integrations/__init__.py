"""Tests of the host integrations."""
