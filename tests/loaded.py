"""What must not be loaded before it is needed."""

from __future__ import annotations

from typing import Final

HEAVY: Final = (
    "opentelemetry.sdk",
    "opentelemetry.exporter",
    "opentelemetry.proto",
    "google",
    "grpc",
    "requests",
    "datasette",
    "starlette",
    "uvicorn",
    "rich",
    "sqlite3",
    "pytest",
)

LOADED: Final = f"import sys; print([name for name in sys.modules if name.startswith({HEAVY!r})])"
"""A statement that prints the modules of these that are loaded."""
