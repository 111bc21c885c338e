"""Rows of a batch become rows of the tables once each, however they are cut into pieces."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_events.receiver.insertion import Added, Insertion
from otel_events.receiver.rows import EventRow, Rows
from otel_events.receiver.schema import open_writer, transaction
from tests.receiver.rows import event, span


def inserted(path: Path, pieces: list[list[EventRow]]) -> tuple[Added, int, list[tuple[object, ...]]]:
    path.unlink(missing_ok=True)
    with closing(open_writer(path)) as database:
        insertion = Insertion(database)
        with transaction(database):
            for piece in pieces:
                insertion.add(Rows(piece, []))
        rows = database.execute("SELECT id, uid, signal, body, trace_id FROM events ORDER BY id").fetchall()
        return insertion.added, insertion.newest_id, rows


EVENTS = st.lists(
    st.builds(
        event,
        st.none() | st.sampled_from(["u1", "u2", "u3"]),
        signal=st.sampled_from(["log", "span_event"]),
        name=st.sampled_from(["login", "otel_events.checkpoint"]),
        body=st.sampled_from(["a", "b"]),
        trace_id=st.sampled_from([None, "0" * 31 + "1"]),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS, st.integers(1, 12))
def test_pieces_make_no_difference(tmp_path: Path, events: list[EventRow], size: int) -> None:
    one_by_one = inserted(tmp_path / "1.db", [[row] for row in events])
    pieces = [events[start : start + size] for start in range(0, len(events), size)]
    assert inserted(tmp_path / "2.db", pieces) == one_by_one


def test_the_newest_id_is_that_of_an_event_and_checkpoints_are_not_counted(tmp_path: Path) -> None:
    checkpoint = event("c", name="otel_events.checkpoint")
    added, newest_id, _ = inserted(tmp_path / "events.db", [[event("1"), event("2"), checkpoint]])
    assert (added, newest_id) == (Added(events=2), 2)
    assert inserted(tmp_path / "events.db", [[checkpoint]])[:2] == (Added(), 0)


def test_spans_are_counted_once(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "events.db")) as database:
        insertion = Insertion(database)
        insertion.add(Rows([], [span(), span(), span("1" * 16)]))
        assert (insertion.added.spans, insertion.rows) == (2, 3)


def test_a_uid_with_anything_in_it_is_known_again(tmp_path: Path) -> None:
    uids = ["a\"b'c", "\N{GRINNING FACE}", "x" * 10_000, "1", "[]"]
    pieces = [[event(uid) for uid in uids]] * 2
    assert inserted(tmp_path / "events.db", pieces)[0] == Added(events=len(uids), repeated=len(uids))


def test_it_leaves_the_transaction_to_its_caller(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "events.db")) as database:
        database.execute("BEGIN")
        Insertion(database).add(Rows([event("1")], [span()]))
        assert database.in_transaction
        database.execute("ROLLBACK")
        counts = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM spans)"
        assert database.execute(counts).fetchone() == (0, 0)


def test_ids_are_new_also_where_somebody_emptied_the_table_that_counts_them(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "events.db")) as database:
        Insertion(database).add(Rows([event("1"), event("2")], []))
        database.execute("DELETE FROM sqlite_sequence")
        Insertion(database).add(Rows([event("3")], []))
        assert database.execute("SELECT id, uid FROM events ORDER BY id").fetchall() == [(1, "1"), (2, "2"), (3, "3")]
