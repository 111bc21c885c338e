"""Tests of verification, on data that real servers have written."""
