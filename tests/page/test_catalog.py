"""The catalogue tells which types of events there are, how many, and what fields they have."""

from __future__ import annotations

from otel_events.page.catalog import SAMPLE, catalog, known_keys
from otel_events.semconv import CHECKPOINT
from tests.page.support import SECOND, TIME_NS, database, event_row

HOUR = 3_600 * SECOND


def test_types_and_their_fields() -> None:
    events = [
        event_row({"n": 1, "item": "lamp"}),
        event_row({"n": "2", "tags": ["a", "b"]}, time_ns=TIME_NS + 2 * HOUR),
        event_row({"k": None}, name=None),
        event_row({"hidden": 1}, name=CHECKPOINT),
    ]
    with database(events) as connection:
        placed, plain = catalog(connection)
        assert known_keys(connection) == {"n", "item", "tags", "k"}
    assert placed == {
        "name": "order-placed",
        "count": 2,
        "first_ns": str(TIME_NS),
        "last_ns": str(TIME_NS + 2 * HOUR),
        "per_hour": 1.0,
        "sampled": 2,
        "fields": [
            {"key": "n", "types": ["int", "string"], "share": 1.0, "samples": ["2", "1"]},
            {"key": "tags", "types": ["array"], "share": 0.5, "samples": ['["a", "b"]']},
            {"key": "item", "types": ["string"], "share": 0.5, "samples": ["lamp"]},
        ],
    }
    assert (plain["name"], plain["count"], plain["per_hour"]) == (None, 1, 1.0)
    assert plain["fields"] == [{"key": "k", "types": ["null"], "share": 1.0, "samples": ["null"]}]


def test_fields_are_those_of_the_newest_and_samples_are_short() -> None:
    events = [
        event_row({"old": 1}, time_ns=TIME_NS - 1),
        *(event_row({"n": f"{number:0200}"}) for number in range(SAMPLE)),
    ]
    with database(events) as connection:
        [entry] = catalog(connection)
    assert (entry["count"], entry["sampled"]) == (SAMPLE + 1, SAMPLE)
    [field] = entry["fields"]
    assert len(field["samples"]) == 1
    assert (len(field["samples"][0]), field["samples"][0][-1]) == (100, "…")
