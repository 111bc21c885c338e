"""Events in the order in which they happened, the newest first, page by page."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Final

from otel_events.page.attributes import Sql
from otel_events.page.shape import EVENT_COLUMNS
from otel_events.page.sql import Where, joined

_CURSOR: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")
_MAX_INTEGER: Final = 2**63 - 1
_FLOOD: Final = 1_000
_OF_FLOOD: Final = 20
"""Of more events at once than the former, which nobody follows one by one, so many are given."""

_ORDER: Final = "ORDER BY time_ns DESC, id DESC"


@dataclass(frozen=True)
class Cursor:
    """A place in the list: behind the event of this time and id."""

    time_ns: int
    id: int

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what :meth:`__str__` wrote.

        Raises:
            ValueError: It is something else.
        """
        found = _CURSOR.fullmatch(text)
        if found is None or max(int(number) for number in found.groups()) > _MAX_INTEGER:
            raise ValueError(f"before={text!r} is no cursor; give the next of an earlier answer")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.time_ns}-{self.id}"


def newest(
    connection: sqlite3.Connection, where: Where, limit: int, before: Cursor | None, columns: str = EVENT_COLUMNS
) -> tuple[list[sqlite3.Row], Cursor | None]:
    """Give a page of events.

    Args:
        connection: A connection of the page's database.
        where: Which events.
        limit: At most so many.
        before: Where the last page ended; None for the first one.
        columns: Which columns of ``events``; ``time_ns`` and ``id`` must be among them.

    Returns:
        The rows, and where the next page begins; None where this is the last one.
    """
    index = where.index
    if before is not None:
        place = Sql("time_ns <= ? AND (time_ns < ? OR id < ?)", (before.time_ns, before.time_ns, before.id))
        index = joined((index, place))
    # The names in these texts are this module's; what comes from outside is bound to the question marks.
    if where.row is None:
        ids = f"SELECT id FROM events WHERE {index.text} {_ORDER} LIMIT ?"  # noqa: S608
        statement = f"SELECT {columns} FROM events WHERE id IN ({ids}) {_ORDER}"  # noqa: S608
        parameters = index.parameters
    else:
        both = joined((index, where.row))
        statement = f"SELECT {columns} FROM events WHERE {both.text} {_ORDER} LIMIT ?"  # noqa: S608
        parameters = both.parameters
    rows = connection.execute(statement, (*parameters, limit + 1)).fetchall()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], Cursor(last["time_ns"], last["id"])


def arrived(connection: sqlite3.Connection, where: Where, limit: int) -> tuple[list[sqlite3.Row], int]:
    """Give the events that came last, of those within a scope of ids.

    Args:
        connection: A connection of the page's database.
        where: Which events, with a scope of ids.
        limit: At most so many; fewer where there are so many that they are a flood.

    Returns:
        The rows, newest first by their times, and how many there are in all.
    """
    # Without an index it goes by the ids, of which the scope leaves few.
    source = f"FROM events NOT INDEXED WHERE {where.all.text}"
    count: int = connection.execute(f"SELECT count(*) {source}", where.all.parameters).fetchone()[0]
    rows = connection.execute(
        f"SELECT {EVENT_COLUMNS} {source} ORDER BY id DESC LIMIT ?",
        (*where.all.parameters, limit if count <= _FLOOD else min(limit, _OF_FLOOD)),
    ).fetchall()
    return sorted(rows, key=lambda row: (row["time_ns"], row["id"]), reverse=True), count
