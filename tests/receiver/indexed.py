"""The search index compared with what the table holds, for the tests of what fills it."""

from __future__ import annotations

import sqlite3

from otel_events.receiver import search


def check(database: sqlite3.Connection) -> None:
    """Compare the index, word for word, with one that is made at once of what the table holds."""
    database.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    kept = words(database)
    database.execute("INSERT INTO search (search) VALUES ('delete-all')")
    while search.index_more(database, 1000):
        pass
    assert kept == words(database)


def words(database: sqlite3.Connection) -> list[tuple[str, int, str, int]]:
    """Give all words of the index with their places."""
    database.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, search, instance)")
    return database.execute("SELECT term, doc, col, offset FROM temp.words ORDER BY 1, 2, 3, 4").fetchall()
