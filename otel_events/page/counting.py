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
    together = _together(where, keys)
    apart = [number for number in range(len(keys)) if number not in together]
    matching, _ = _matching(where, indexed=True)
    before = matching if apart else Sql("")
    parts = [_facet(where, keys[number], number, limit) for number in apart]
    if together:
        counted = _counted(where, [COLUMNS[keys[number]] for number in together], matched=bool(apart))
        before = Sql(f"{before.text} {counted.text}", (*before.parameters, *counted.parameters))
        parts += [_facet_of_counted(keys[number], number, limit) for number in together]
    statement = " UNION ALL ".join(part.text for part in parts)
    if before.text:
        statement = f"WITH {before.text.removesuffix(',')} {statement}"
    parameters = [*before.parameters, *(parameter for part in parts for parameter in part.parameters)]
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
    return _most_frequent(Sql(inner, parameters), key, number, limit)


def _together(where: Where, keys: Sequence[str]) -> list[int]:
    """Give which keys are counted in one go: where it takes long to find the events, those whose columns are in indexes.

    Where the indexes alone tell what is found, each count goes through the index in which its groups stand in order.
    """
    together = [number for number, key in enumerate(keys) if COLUMNS.get(key) in _INDEXES]
    return together if len(together) > 1 and (where.words or where.row is not None) else []


def _counted(where: Where, columns: Sequence[str], *, matched: bool) -> Sql:
    """Give a part of a WITH clause: the table ``counted`` of each combination of values that occurs.

    Args:
        where: Which events.
        columns: Columns that are in the indexes.
        matched: Whether the table ``matching`` is there.
    """
    by, source = "", where.all
    if matched or where.row is None:
        _, source = _matching(where, indexed=not where.few)
        by = "" if where.few else f" INDEXED BY {_INDEXES['name']}"
    different = list(dict.fromkeys(columns))
    # The plus signs keep SQLite from going through an index for its order, and reading a row for each of its entries.
    groups = ", ".join(f"+{column}" for column in different)
    rows = f"SELECT {', '.join(different)}, count(*) AS n FROM events{by} WHERE {source.text} GROUP BY {groups}"  # noqa: S608
    return Sql(f"counted AS MATERIALIZED ({rows}),", source.parameters)


def _facet_of_counted(key: str, number: int, limit: int) -> Sql:
    column = COLUMNS[key]
    inner = f"SELECT {column} AS found, sum(n) AS n FROM counted WHERE {column} IS NOT NULL"  # noqa: S608
    return _most_frequent(Sql(inner), key, number, limit)


def _most_frequent(counts: Sql, key: str, number: int, limit: int) -> Sql:
    text = f"SELECT {number}, found, n FROM ({counts.text} GROUP BY found ORDER BY n DESC, found LIMIT ?)"  # noqa: S608
    # Severities are grouped further, so none of the few there are may be left out before.
    return Sql(text, (*counts.parameters, -1 if key == SEVERITY else limit))


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
