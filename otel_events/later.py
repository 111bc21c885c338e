"""What the package offers and loads only when it is first asked for (PEP 562): many an application does without it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

_PACKAGE: Final = "otel_events"

_CONVERTED: Final = ("LogRecord", "SpanEvent", "to_log_record", "to_span_event")
_BUILTIN: Final = (
    "BUILTIN_EVENTS",
    "AlterTable",
    "CreateTable",
    "CreateToken",
    "DeleteRow",
    "DropTable",
    "InsertRows",
    "Login",
    "LoginFailed",
    "Logout",
    "PermissionDenied",
    "RenameTable",
    "UpdateRow",
    "UpsertRows",
)

HOMES: Final = {
    **dict.fromkeys(_BUILTIN, f"{_PACKAGE}.builtin"),
    **dict.fromkeys(_CONVERTED, f"{_PACKAGE}.conversion.record"),
    "OTelListener": f"{_PACKAGE}.listener",
    "Settings": f"{_PACKAGE}.settings",
}
"""The names, and the module that each is from."""


def load(name: str) -> Any:
    """Return what the package has under a name; from then on it has it as if it had been imported at once.

    Args:
        name: One of ``HOMES``.

    Raises:
        AttributeError: It is none of them.
    """
    package = sys.modules[_PACKAGE]
    if name not in HOMES:
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}", name=name, obj=package)
    value = getattr(import_module(HOMES[name]), name)
    setattr(package, name, value)
    return value


def names() -> list[str]:
    """Return all names that the package has, loaded or not."""
    return sorted({*vars(sys.modules[_PACKAGE]), *HOMES})
