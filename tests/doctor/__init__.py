"""Tests of the doctor's room, against real servers."""
