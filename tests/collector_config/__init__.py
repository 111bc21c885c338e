"""Tests of collector-config: its files, on the real servers that they are written for."""
