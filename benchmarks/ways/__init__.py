"""The ways that are compared, one module for each library."""

from benchmarks.ways.table import CALLERS, WAYS
from benchmarks.ways.way import Opening, Sender, Way

__all__ = ["CALLERS", "WAYS", "Opening", "Sender", "Way"]
