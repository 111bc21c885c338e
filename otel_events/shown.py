"""Writing events and values for a reader: bounded, and without what their classes or their names call secret."""

from __future__ import annotations

import dataclasses
import itertools
import reprlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from otel_events.definition.markers import fields_of
from otel_events.privacy import REDACTED, Secret, looks_secret


def shown(value: object) -> str:
    """Return a value much as ``repr`` writes it: long texts shortened, long collections cut, secrets as ``[redacted]``."""
    return _SHOW.repr(value)


def shown_field(cls: type, name: str, value: object) -> str:
    """Return the value that a field of a dataclass has, or should have, in the same way."""
    return REDACTED if _is_secret(cls, name) else _SHOW.repr(value)


def _is_secret(cls: type, name: str) -> bool:
    marked = any(field.name == name and isinstance(field.privacy, Secret) for field in fields_of(cls))
    return marked or looks_secret(name)


class _Show(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxstring = self.maxother = self.maxlong = 120
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 10

    def repr_instance(self, x: Any, level: int) -> str:
        if isinstance(x, Mapping):
            return self.repr_dict(x, level)
        if not dataclasses.is_dataclass(x) or isinstance(x, type):
            return super().repr_instance(x, level)
        return f"{type(x).__qualname__}({', '.join(self._fields(x, level - 1)) if level > 0 else '…'})"

    def repr_dict(self, x: Mapping[Any, Any], level: int) -> str:
        if x and level <= 0:
            return "{…}"
        members = [
            f"{self.repr1(key, level - 1)}: {REDACTED if looks_secret(str(key)) else self.repr1(value, level - 1)}"
            for key, value in itertools.islice(x.items(), self.maxdict)
        ]
        return f"{{{', '.join(members + ['…'] * (len(x) > self.maxdict))}}}"

    def repr_datetime(self, x: datetime, level: int) -> str:
        return x.isoformat()

    def _fields(self, x: Any, level: int) -> list[str]:
        cls = type(x)
        names = [field.name for field in dataclasses.fields(x)]
        return [
            f"{name}={REDACTED if _is_secret(cls, name) else self.repr1(getattr(x, name, None), level)}"
            for name in names
        ]


_SHOW: Final = _Show()
