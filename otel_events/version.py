"""The version of this package; the scope of every record carries it."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
