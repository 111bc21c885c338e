"""The types of events that are in the database, and what attributes they have.

Counts and times are of all events. Attributes are those of the :data:`SAMPLE` newest events of each name, as to look at
all of them would take too long; the answer says of how many.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from otel_events.page.shape import attributes_json, ns_or_none
from otel_events.semconv import CHECKPOINT

SAMPLE: Final = 50
MAX_TYPES: Final = 200

_MAX_SAMPLES: Final = 5
_MAX_SAMPLE_CHARACTERS: Final = 100
_HOUR_NS: Final = 3_600_000_000_000

_TYPES: Final = (
    "SELECT name, count(*) AS n, min(time_ns) AS first_ns, max(time_ns) AS last_ns "
    "FROM events INDEXED BY events_name_time WHERE name IS NOT ? GROUP BY name ORDER BY n DESC, name LIMIT ?"
)
_NEWEST: Final = "SELECT attributes FROM events WHERE name IS ? ORDER BY time_ns DESC, id DESC LIMIT ?"


@dataclass
class _Field:
    """One attribute of one type of event, as the sample has it."""

    number: int = 0
    types: set[str] = field(default_factory=set)
    samples: dict[str, None] = field(default_factory=dict)


def catalog(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Give the types of events, the most frequent first.

    Args:
        connection: A connection of the page's database.

    Returns:
        At most :data:`MAX_TYPES` types, as the API has them. Plain log records together are the type without a name.
    """
    return [
        {
            "name": name,
            "count": number,
            "first_ns": ns_or_none(first_ns),
            "last_ns": ns_or_none(last_ns),
            "per_hour": round(number / max(1.0, (last_ns - first_ns) / _HOUR_NS), 3),
            "sampled": min(number, SAMPLE),
            "fields": _fields(connection, name),
        }
        for name, number, first_ns, last_ns in connection.execute(_TYPES, (CHECKPOINT, MAX_TYPES)).fetchall()
    ]


def known_keys(connection: sqlite3.Connection) -> frozenset[str]:
    """Give the keys of the attributes that the newest events of each name have."""
    keys: set[str] = set()
    for name, *_ in connection.execute(_TYPES, (CHECKPOINT, MAX_TYPES)).fetchall():
        for (attributes,) in connection.execute(_NEWEST, (name, SAMPLE)):
            keys.update(json.loads(attributes))
    return frozenset(keys)


def _fields(connection: sqlite3.Connection, name: str | None) -> list[dict[str, Any]]:
    fields: dict[str, _Field] = {}
    rows = connection.execute(_NEWEST, (name, SAMPLE)).fetchall()
    for (attributes,) in rows:
        for attribute in attributes_json(attributes):
            found = fields.setdefault(attribute["key"], _Field())
            found.number += 1
            found.types.add(attribute["type"])
            if len(found.samples) < _MAX_SAMPLES:
                found.samples[_sample(attribute["value"])] = None
    order = Counter({key: found.number for key, found in fields.items()})
    return [
        {
            "key": key,
            "types": sorted(fields[key].types),
            "share": round(number / len(rows), 3),
            "samples": list(fields[key].samples),
        }
        for key, number in order.most_common()
    ]


def _sample(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SAMPLE_CHARACTERS else text[: _MAX_SAMPLE_CHARACTERS - 1] + "…"
