"""The tables, indexes and views of the database as SQL: what ``docs/sql.md`` promises.

The comments inside ``CREATE TABLE`` are the documentation of the columns: SQLite keeps them, so ``.schema`` in any
SQLite shell shows them beside the data.
"""

from __future__ import annotations

from typing import Final

_EVENTS: Final = """CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- grows in order of arrival, has gaps, is never used again
  uid TEXT UNIQUE,                      -- the attribute log.record.uid; NULL where the sender gave none
  signal TEXT NOT NULL CHECK (signal IN ('log', 'span_event')), -- 'log' where both came
  time_ns INTEGER NOT NULL,             -- when it happened: nanoseconds since 1970 UTC, at most 9223372036854775807
  time TEXT GENERATED ALWAYS AS (
    strftime('%Y-%m-%dT%H:%M:%S', time_ns / 1000000000, 'unixepoch') || printf('.%03dZ', time_ns / 1000000 % 1000)
  ) VIRTUAL,                            -- time_ns as ISO 8601 text, UTC, to the millisecond
  observed_ns INTEGER,                  -- when the sender saw it, as time_ns; NULL where it does not say
  received_ns INTEGER NOT NULL,         -- when it came here first, as time_ns
  name TEXT,                            -- the event's name; NULL for a log record that is no event
  severity_number INTEGER,              -- 1 to 24 as in OpenTelemetry; NULL where not given
  severity_text TEXT,
  body TEXT,                            -- the text; a body that is no string is JSON, as in attributes
  actor TEXT,                           -- the attribute user.id, else user.hash
  service TEXT,                         -- the resource's service.name
  service_instance TEXT,                -- the resource's service.instance.id
  trace_id TEXT,                        -- 32 hex digits, lower case
  span_id TEXT,                         -- 16 hex digits, lower case
  scope TEXT,                           -- the name of the instrumentation scope
  scope_version TEXT,
  attributes TEXT NOT NULL,             -- JSON object; bytes are text 'base64:...'; NaN and the infinities are text
  dropped_attributes INTEGER NOT NULL,  -- how many attributes the sender says it left out
  resource TEXT NOT NULL                -- JSON object, as attributes
)"""

_SPANS: Final = """CREATE TABLE spans (
  trace_id TEXT NOT NULL,               -- 32 hex digits, lower case
  span_id TEXT NOT NULL,                -- 16 hex digits, lower case
  parent_span_id TEXT,                  -- NULL for a root
  name TEXT NOT NULL,
  kind TEXT,                            -- 'internal', 'server', 'client', 'producer', 'consumer'; NULL where not given
  service TEXT,                         -- the resource's service.name
  service_instance TEXT,                -- the resource's service.instance.id
  start_ns INTEGER NOT NULL,            -- nanoseconds since 1970 UTC, at most 9223372036854775807
  end_ns INTEGER NOT NULL,              -- as start_ns
  status TEXT NOT NULL,                 -- 'unset', 'ok' or 'error'
  status_message TEXT,
  scope TEXT,                           -- the name of the instrumentation scope
  scope_version TEXT,
  attributes TEXT NOT NULL,             -- JSON object, as in events
  resource TEXT NOT NULL,               -- JSON object, as in events
  received_ns INTEGER NOT NULL DEFAULT 0, -- when it came here first, as start_ns
  PRIMARY KEY (trace_id, span_id)
)"""

# Each holds all columns that events are counted by, so that counts need not read the rows, which are ten times as large.
# The page asks for them by name.
_INDEXES: Final = (
    "CREATE INDEX events_time ON events (time_ns, name, actor, service, severity_number)",
    "CREATE INDEX events_name_time ON events (name, time_ns, actor, service, severity_number)",
    "CREATE INDEX events_actor_time ON events (actor, time_ns, name, service, severity_number) WHERE actor IS NOT NULL",
    "CREATE INDEX events_service_time ON events (service, time_ns, name, actor, severity_number)",
)
_TRACE_INDEX: Final = "CREATE INDEX events_trace ON events (trace_id) WHERE trace_id IS NOT NULL"
_WITHOUT_OLD_INDEXES: Final = ("DROP INDEX events_time", "DROP INDEX events_name_time")

# The uid is left out: it has a column with an index, and a word that occurs once takes the most room for the least use.
_SEARCHED: Final = """CREATE VIEW searched AS -- the text of an event as the table search holds it
SELECT id, name, actor, service, body, (
  SELECT group_concat(atom, ' ') FROM json_tree(attributes) WHERE atom IS NOT NULL AND key IS NOT 'log.record.uid'
) AS attributes
FROM events"""

_SEARCH: Final = """CREATE VIRTUAL TABLE search USING fts5 ( -- rowid is events.id; new events are in it within a second
  name, actor, service, body, attributes,
  content = 'searched', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
)"""

# Events are added by thousands, so few pieces of the index come of many; merging them seldom costs a third less in all, and
# a search looks into some more of them. Merging all at once, which holds up what comes in, begins far beyond.
_SEARCH_SETTINGS: Final = (
    "INSERT INTO search (search, rank) VALUES ('hashsize', 4194304)",
    "INSERT INTO search (search, rank) VALUES ('automerge', 16)",
    "INSERT INTO search (search, rank) VALUES ('crisismerge', 64)",
)

_VIEWS: Final = (
    """CREATE VIEW events_per_day AS -- one row a day (UTC) and name; name is NULL for log records that are no events
SELECT date(time_ns / 1000000000, 'unixepoch') AS day, name, count(*) AS events
FROM events
WHERE name IS NOT 'otel_events.checkpoint'
GROUP BY day, name""",
    """CREATE VIEW active_actors_per_day AS -- how many different actors did something that day (UTC), and how much
SELECT date(time_ns / 1000000000, 'unixepoch') AS day, count(DISTINCT actor) AS actors, count(*) AS events
FROM events
WHERE actor IS NOT NULL AND name IS NOT 'otel_events.checkpoint'
GROUP BY day""",
    """CREATE VIEW active_actors_per_week AS -- likewise by week; week is the date of its Monday (UTC)
SELECT date(time_ns / 1000000000, 'unixepoch', '-6 days', 'weekday 1') AS week,
  count(DISTINCT actor) AS actors, count(*) AS events
FROM events
WHERE actor IS NOT NULL AND name IS NOT 'otel_events.checkpoint'
GROUP BY week""",
    """CREATE VIEW first_and_last_seen AS -- one row a name: how many, and when the first and the last happened
SELECT name, count(*) AS events, min(time_ns) AS first_ns, max(time_ns) AS last_ns,
  strftime('%Y-%m-%dT%H:%M:%SZ', min(time_ns) / 1000000000, 'unixepoch') AS first,
  strftime('%Y-%m-%dT%H:%M:%SZ', max(time_ns) / 1000000000, 'unixepoch') AS last
FROM events
WHERE name IS NOT 'otel_events.checkpoint'
GROUP BY name""",
    """CREATE VIEW actors AS -- one row an actor: how many events, and when the first and the last happened
SELECT actor, count(*) AS events, min(time_ns) AS first_ns, max(time_ns) AS last_ns,
  strftime('%Y-%m-%dT%H:%M:%SZ', min(time_ns) / 1000000000, 'unixepoch') AS first,
  strftime('%Y-%m-%dT%H:%M:%SZ', max(time_ns) / 1000000000, 'unixepoch') AS last
FROM events
WHERE actor IS NOT NULL AND name IS NOT 'otel_events.checkpoint'
GROUP BY actor""",
)

_NEW_IN_2: Final = (*_INDEXES, _SEARCHED, _SEARCH, *_SEARCH_SETTINGS, *_VIEWS)

_SPANS_RECEIVED: Final = (
    "ALTER TABLE spans ADD COLUMN received_ns INTEGER NOT NULL DEFAULT 0",
    "UPDATE spans SET received_ns = end_ns",
)

CREATE: Final = (_EVENTS, _SPANS, _TRACE_INDEX, *_NEW_IN_2)
"""Makes everything in an empty file."""

UPGRADES: Final = {1: (*_SPANS_RECEIVED, *_WITHOUT_OLD_INDEXES, *_NEW_IN_2)}
"""By version: makes of a file of that version one of the next."""
