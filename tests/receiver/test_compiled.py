"""What is compiled gives what the code in Python and the view give, or leaves it to them, whatever bytes there are."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events.receiver import compiled
from otel_events.receiver.decode import Decoding
from otel_events.receiver.insertion import Insertion
from otel_events.receiver.records import Shared
from otel_events.receiver.rows import EventRow, Rows
from otel_events.receiver.schema import open_writer
from otel_events.receiver.values import json_text
from tests.receiver import hostile
from tests.receiver.decoding import NOW_NS, RESOURCE, Decoded, decoded
from tests.receiver.rows import event
from tests.receiver.support import SPAN_ID, TRACE_ID, keyed, log_record, logs_request

SHARED: Shared = ("log", "shop", "i-1", "scope", None, "{}", NOW_NS)
THOROUGH = settings(max_examples=int(os.environ.get("COMPILED_EXAMPLES", "200")), deadline=None)

needs_compiled = pytest.mark.skipif(
    not compiled.IS_COMPILED and os.environ.get("REQUIRE_BACKENDS") != "1",
    reason="the extension module is not built: no C compiler was there when this was installed",
)


def test_it_is_built_where_there_is_a_compiler() -> None:
    assert compiled.IS_COMPILED or not shutil.which("cc"), "there is a C compiler: install this again"


texts = st.text(max_size=12) | st.sampled_from(
    ['"\\/', "\b\f\n\r\t\x01\x1f\x7f", "\0", "é€\N{GRINNING FACE}", "x" * 5_000]
)
keys = texts | st.sampled_from(["log.record.uid", "user.id", "user.hash", "event.name", "app.total"])
integers = st.integers(-(2**63), 2**63 - 1)
values: st.SearchStrategy[AnyValue] = st.recursive(
    st.one_of(
        st.builds(AnyValue, string_value=texts),
        st.builds(AnyValue, int_value=integers),
        st.builds(AnyValue, double_value=st.floats()),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, bytes_value=st.binary(max_size=5)),
        st.just(AnyValue()),
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: AnyValue(array_value=ArrayValue(values=items)), st.lists(inner, max_size=3)),
        st.builds(
            lambda items: AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in items])),
            st.lists(st.tuples(keys, inner), max_size=3),
        ),
    ),
    max_leaves=6,
)
times = st.sampled_from([0, 1, NOW_NS, 2**63 - 1, 2**63, 2**64 - 1])
ids = st.sampled_from([b"", bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID), bytes(16), bytes(8), b"\x01" * 3])
records = st.builds(
    LogRecord,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    severity_number=st.integers(0, 24),
    severity_text=texts,
    body=st.none() | values,
    attributes=st.lists(st.builds(KeyValue, key=keys, value=st.none() | values), max_size=5),
    dropped_attributes_count=st.sampled_from([0, 1, 2**32 - 1]),
    flags=st.sampled_from([0, 1]),
    trace_id=ids,
    span_id=ids,
    event_name=texts,
)


def both(body: bytes) -> list[Decoded | str]:
    """Decode a request with what is compiled and without."""
    found: list[Decoded | str] = []
    for is_compiled in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "IS_COMPILED", is_compiled)
            try:
                found.append(decoded(Decoding(body, "log records", received_ns=NOW_NS, max_records=100)))
            except ValueError as error:
                found.append(str(error))
    return found


def types(outcome: Decoded | str) -> list[list[type]]:
    """Give the types of all columns: 1, 1.0 and True are equal."""
    return [] if isinstance(outcome, str) else [[type(value) for value in row] for row in outcome.events]


@needs_compiled
@THOROUGH
@given(st.lists(records, max_size=4))
def test_it_gives_the_rows_that_python_gives(given_records: list[LogRecord]) -> None:
    one, other = both(logs_request(*given_records, resource=RESOURCE).SerializeToString())
    assert one == other
    assert types(one) == types(other)


@needs_compiled
@THOROUGH
@given(st.lists(records, min_size=1, max_size=3), st.data())
def test_it_gives_the_same_for_damaged_bytes(given_records: list[LogRecord], data: st.DataObject) -> None:
    body = bytearray(logs_request(*given_records).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    one, other = both(bytes(body[: data.draw(st.integers(0, len(body)))]))
    assert one == other


@needs_compiled
@pytest.mark.parametrize("body", [body for body in hostile.requests() if len(body) < 100_000])
def test_it_gives_the_same_for_hostile_requests(body: bytes) -> None:
    one, other = both(body)
    assert one == other


def words_of(attributes: str) -> str | None:
    from otel_events.receiver import fast

    return fast.words(attributes)


def rows_of(data: bytes, start: int, end: int) -> list[EventRow]:
    """Decode one record that is said to be at a place, exactly as large as the memory it is in."""
    rows, _ = compiled.log_rows(
        data,
        array("L", [start]),
        array("L", [end]),
        0,
        1,
        max_record_bytes=10_000,
        max_bytes=10_000,
        max_characters=100_000,
        shared=SHARED,
    )
    return rows


@needs_compiled
@THOROUGH
@given(st.binary(max_size=80), st.integers(0, 100), st.integers(0, 100))
@example(b"\x32\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, 11)
@example(b"\x32\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 0, 11)
@example(b"\x2a\x02\x0a\x7f", 0, 4)
@example(b"\x2a\x03\x0a\x01", 0, 4)
@example(b"\x09\x01", 0, 2)
@example(b"", 0, 1)
def test_any_bytes_at_any_place_are_rows_or_left_to_python(data: bytes, start: int, end: int) -> None:
    assert len(rows_of(data, start, end)) in (0, 1)
    assert compiled.places(data, min(start, end), end, 10) is None or end <= len(data)


@needs_compiled
def test_most_records_are_not_left_to_python() -> None:
    record = log_record(
        "u1",
        body=AnyValue(string_value='"é"\n'),
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
        attributes=[
            keyed("user.id", "alice"),
            KeyValue(key="n", value=AnyValue(int_value=-5)),
            KeyValue(key="x", value=AnyValue(double_value=0.1)),
            KeyValue(key="is", value=AnyValue(bool_value=True)),
            KeyValue(key="all", value=AnyValue(array_value=ArrayValue(values=[AnyValue(), AnyValue(int_value=1)]))),
        ],
    ).SerializeToString()
    [row] = rows_of(record, 0, len(record))
    assert row.attributes == ('{"log.record.uid":"u1","user.id":"alice","n":-5,"x":0.1,"is":true,"all":[null,1]}')
    assert (row.body, row.actor, row.trace_id) == ('"é"\n', "alice", TRACE_ID)
    assert words_of(row.attributes) == "alice -5 0.1 1 1 "


@needs_compiled
def test_it_stops_where_it_is_told_to() -> None:
    data = b"".join(log_record(str(number)).SerializeToString() for number in range(3))
    size = len(data) // 3
    starts, ends = array("L", range(0, 3 * size, size)), array("L", range(size, 4 * size, size))

    def taken(**bounds: int) -> int:
        given_bounds: Any = {"max_record_bytes": 1_000, "max_bytes": 10_000, "max_characters": 10_000, **bounds}
        return len(compiled.log_rows(data, starts, ends, 0, 3, shared=SHARED, **given_bounds)[0])

    assert taken() == 3
    assert taken(max_record_bytes=size - 1) == 0
    assert taken(max_bytes=size + 1) == 2
    [row] = rows_of(data, 0, size)
    assert taken(max_characters=2 * (len(row.attributes) + len("{}"))) == 2
    with pytest.raises(ValueError, match="do not fit"):
        compiled.log_rows(data, starts, ends, 0, 4, max_record_bytes=1, max_bytes=1, max_characters=1, shared=SHARED)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(Path(tmp_path_factory.mktemp("words"), "events.db"))) as connection:
        yield connection


def in_view(database: sqlite3.Connection, attributes: str) -> list[str]:
    """Give the words of attributes as the search index gets them from the view, cut at white space."""
    Insertion(database).add(Rows([event(attributes=attributes)], []))
    [(found,)] = database.execute("SELECT attributes FROM searched ORDER BY id DESC LIMIT 1").fetchall()
    return (found or "").split(" ")


plain_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
decimals = st.integers(-(10**17), 10**17).map(lambda number: number / 100)


@needs_compiled
@THOROUGH
@given(st.dictionaries(keys, plain_values | decimals, max_size=5))
def test_the_words_are_those_of_the_view(database: sqlite3.Connection, attributes: dict[str, Any]) -> None:
    text = json_text(attributes)
    found = words_of(text)
    if found is not None:
        assert [word for word in found.split(" ") if word] == [word for word in in_view(database, text) if word]


@needs_compiled
@THOROUGH
@given(st.text(alphabet='{}[],:"\\u01e.-tfn a', max_size=30))
@example('{"')
@example('{"a":"\\')
@example('{"a":-')
@example("[" * 100)
@example("]")
def test_any_text_has_words_or_is_left_to_sqlite(text: str) -> None:
    found = words_of(text)
    assert found is None or len(found) <= 2 * len(text)


@needs_compiled
@pytest.mark.parametrize(
    "number", [struct.unpack("<d", b"\x9a\x99\x99\x99\x99\x99\xb9?")[0], 1e15, 5e-324, 1.1234567890123456]
)
def test_numbers_that_sqlite_may_write_otherwise_are_left_to_it(database: sqlite3.Connection, number: float) -> None:
    text = json_text({"a": number})
    found = words_of(text)
    assert found is None or found.split() == in_view(database, text)


@needs_compiled
def test_rows_are_numbered_as_python_numbers_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [event("u1", body="é"), event(None, name="login")]
    found = compiled.numbered(7, rows)
    monkeypatch.setattr(compiled, "IS_COMPILED", False)
    assert found == compiled.numbered(7, rows) == [(7, *rows[0]), (8, *rows[1])]


@needs_compiled
def test_only_rows_are_taken() -> None:
    others: Any = [("too", "short")]
    with pytest.raises(ValueError, match="something else than rows"):
        compiled.numbered(1, others)
    assert compiled.entries(1, others, max_attributes=9, max_characters=9) is None
