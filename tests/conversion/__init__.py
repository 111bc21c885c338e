"""Tests of the conversion; they mirror its modules."""
