"""Tests of the direct pipeline, against real servers, and servers that misbehave as they are told."""
