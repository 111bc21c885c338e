"""Counts of events: by time and name, and by the values of columns and attributes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from otel_events.page.attributes import Sql, items_of
from otel_events.page.search import SEVERITY
from otel_events.page.shape import severity_name
from otel_events.page.sql import COLUMNS, Where
from otel_events.semconv import CHECKPOINT

MAX_NAMES: Final = 8

_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_WIDTHS: Final = (
    *(digit * 10**power for power in range(9) for digit in (1, 2, 5)),
    *(number * _SECOND for number in (1, 2, 5, 10, 15, 30)),
    *(number * _MINUTE for number in (1, 2, 5, 10, 15, 30)),
    *(number * _HOUR for number in (1, 2, 3, 6, 12)),
    *(number * _DAY for number in (1, 2, 7, 14, 28, 91, 364, 3640, 36400)),
)
"""Widths of a bar whose ends are round times."""

_INDEXES: Final = {
    "name": "events_name_time",
    "actor": "events_actor_time",
    "service": "events_service_time",
    "severity_number": "events_time",
}
"""By column: the index that holds it and all others that a search may ask for; for text, in its order."""

_ITEM: Final = "CASE WHEN item.type IN ('true', 'false') THEN item.type ELSE CAST(item.atom AS TEXT) END"


def time_span(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """Give the times of the first and the last event, in nanoseconds; None where there is none."""
    one = "SELECT time_ns FROM events WHERE name IS NOT ? ORDER BY time_ns"
    oldest, latest = connection.execute(
        f"SELECT ({one} LIMIT 1), ({one} DESC LIMIT 1)",
        (CHECKPOINT, CHECKPOINT),
    ).fetchone()
    return None if oldest is None else (oldest, latest)


def total(connection: sqlite3.Connection) -> int:
    """Count all events."""
    number: int = connection.execute(
        "SELECT count(*) FROM events INDEXED BY events_name_time WHERE name IS NOT ?", (CHECKPOINT,)
    ).fetchone()[0]
    return number


def bars(from_ns: int, to_ns: int, most: int) -> tuple[int, int, int]:
    """Divide a time into bars of a round width.

    Args:
        from_ns: Where it begins.
        to_ns: Where it ends, exclusive; later than ``from_ns``.
        most: How many bars there may be, from 1.

    Returns:
        The beginning of the first bar, the width of each, and how many there are.
    """
    for width in _WIDTHS:
        first, last = from_ns // width, (to_ns - 1) // width
        if last - first < most:
            return first * width, width, last - first + 1
    return from_ns, -(-(to_ns - from_ns) // most), most


def histogram(
    connection: sqlite3.Connection, where: Where, first_ns: int, width_ns: int, number: int
) -> list[dict[str, Any]]:
    """Count events by name and time.

    Args:
        connection: A connection of the page's database.
        where: Which events; all of them between the ends of the bars.
        first_ns: The beginning of the first bar.
        width_ns: The width of a bar.
        number: How many bars there are.

    Returns:
        ``{name, counts}`` for the :data:`MAX_NAMES` names with the most events, those first; what is left is summed as
        one more, with the name None and ``other``.
    """
    by = "" if where.few else " INDEXED BY events_name_time"
    matching, source = _matching(where, indexed=bool(by))
    statement = f"""WITH {matching.text} counted AS MATERIALIZED (
        SELECT name, (time_ns - ?) / ? AS bar, count(*) AS n
        FROM events{by} WHERE {source.text} GROUP BY name, bar
    ), top AS MATERIALIZED (
        SELECT name, sum(n) AS total FROM counted GROUP BY name ORDER BY total DESC, name LIMIT {MAX_NAMES}
    )
    SELECT top.total IS NULL AS other, top.name, bar, sum(n) AS n FROM counted LEFT JOIN top ON top.name IS counted.name
    GROUP BY other, top.name, bar ORDER BY other, top.total DESC, top.name"""  # noqa: S608 # texts of this module
    parameters = (*matching.parameters, first_ns, width_ns, *source.parameters)
    series: dict[tuple[int, str | None], list[int]] = {}
    for other, name, bar, n in connection.execute(statement, parameters):
        series.setdefault((other, name), [0] * number)[bar] = n
    return [
        {"name": name, "counts": counts, **({"other": True} if other else {})}
        for (other, name), counts in series.items()
    ]


def facets(
    connection: sqlite3.Connection, where: Where, keys: Sequence[str], limit: int
) -> list[list[tuple[str, int]]]:
    """Count events by the values of columns and attributes. Events without a value are not counted.

    Args:
        connection: A connection of the page's database.
        where: Which events.
        keys: Keys as in a search, resolved. Of an attribute that is a list, its items are counted.
        limit: At most so many values of each.

    Returns:
        For each key its values with their counts, the most frequent first.
    """
    matching, _ = _matching(where, indexed=True)
    parts = [_facet(where, key, number, limit) for number, key in enumerate(keys)]
    statement = " UNION ALL ".join(part.text for part in parts)
    if matching.text:
        statement = f"WITH {matching.text.removesuffix(',')} {statement}"
    parameters = [*matching.parameters, *(parameter for part in parts for parameter in part.parameters)]
    found: list[dict[str, int]] = [{} for _ in keys]
    for number, value, n in connection.execute(statement, parameters):
        name = severity_name(value) if keys[number] == SEVERITY else value
        found[number][name] = found[number].get(name, 0) + n
    return [sorted(counts.items(), key=lambda item: -item[1])[:limit] for counts in found]


def _facet(where: Where, key: str, number: int, limit: int) -> Sql:
    column = COLUMNS.get(key)
    if column is not None:
        by = f" INDEXED BY {_INDEXES[column]}" if column in _INDEXES and not where.few else ""
        _, source = _matching(where, indexed=bool(by))
        inner = f"SELECT {column} AS found, count(*) AS n FROM events{by} WHERE {source.text} AND {column} IS NOT NULL"  # noqa: S608
        parameters = source.parameters
    else:
        _, source = _matching(where, indexed=False)
        items, of_key = items_of(key)
        rows = f"SELECT attributes FROM events WHERE {source.text}"  # noqa: S608
        inner = (
            f"SELECT {_ITEM} AS found, count(*) AS n FROM ({rows}), {items.text}"  # noqa: S608
            f" WHERE {of_key.text} AND item.atom IS NOT NULL"
        )
        parameters = (*source.parameters, *items.parameters, *of_key.parameters)
    text = f"SELECT {number}, found, n FROM ({inner} GROUP BY found ORDER BY n DESC, found LIMIT ?)"  # noqa: S608
    # Severities are grouped further, so none of the few there are may be left out before.
    return Sql(text, (*parameters, -1 if key == SEVERITY else limit))


def _matching(where: Where, *, indexed: bool) -> tuple[Sql, Sql]:
    """Give the beginning of a WITH clause, which may be empty, and the condition that then stands behind WHERE.

    What needs rows is asked once; the counts then go through an index each, in which the groups stand in order.
    """
    if where.row is None:
        return Sql(""), where.index
    both = where.all
    found = Sql(f"matching AS MATERIALIZED (SELECT id FROM events WHERE {both.text}),", both.parameters)  # noqa: S608
    condition = "id IN (SELECT id FROM matching)"
    return found, Sql(f"+{condition}" if indexed else condition)
