"""A file that a real Collector writes is read to its end, cut, damaged or compressed as it may be; another is told as that."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.exceptions import VerificationError
from otel_events.verification import otlp_file as module
from otel_events.verification.otlp_file import OtlpFile
from otel_events.verification.record import Record, place_of
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.verification.support import (
    FINE,
    attribute,
    checkpoint_attributes,
    event,
    events,
    line,
    said,
    track,
    uid_of,
    written,
)

CANNOT = "is neither a file of OTLP JSON lines"


def read(path: Path) -> tuple[list[Record], tuple[str, ...]]:
    file = OtlpFile(path)
    return list(file.records()), file.notes


def numbers(path: Path) -> list[int]:
    places = [place_of(record.uid) for record in read(path)[0]]
    return [place[1] for place in places if place is not None]


def test_what_a_collector_writes(plain_collector: Collector) -> None:
    track(1000, "verified file", endpoint=plain_collector.http_endpoint)
    wait_until(lambda: len(plain_collector.log_records("verified file")) >= 1000)
    records, notes = read(plain_collector.logs_file)
    of_service = [record for record in records if record.service == "verified file"]
    places = [place_of(record.uid) for record in of_service if record.uid]
    assert sorted(place[1] for place in places if place) == list(range(1000))
    assert len({(record.instance, place[0]) for record, place in zip(of_service, places, strict=False) if place}) == 1
    assert all(record.instance for record in of_service)
    assert notes == ()


def test_the_lines_of_the_support_are_such(tmp_path: Path) -> None:
    records, notes = read(written(tmp_path / "x.jsonl", line(event(7)), line(said(FINE))))
    assert records[0] == Record("shop", "i1", uid_of(7))
    assert records[1].checkpoint == {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in checkpoint_attributes(FINE).items()
    }
    assert notes == ()


def test_an_event_with_the_name_of_a_checkpoint_is_an_event(tmp_path: Path) -> None:
    named = {**event(7), "eventName": "otel_events.checkpoint"}
    [record], _ = read(written(tmp_path / "x.jsonl", line(named)))
    assert record.checkpoint is None


def test_records_of_other_scopes_and_signals_are_not_looked_at(tmp_path: Path) -> None:
    others = ['{"resourceSpans": [{"scopeSpans": []}]}\n', '{"resourceMetrics": []}\n', "\n", line(event(0), scope="x")]
    assert read(written(tmp_path / "x.jsonl", *others)) == ([], ())


def test_a_file_that_is_still_written_to(tmp_path: Path) -> None:
    whole = events([3, 4])
    cut = written(tmp_path / "cut.jsonl", events([0, 1, 2]), whole[:-20])
    assert numbers(cut) == [0, 1, 2]
    assert read(cut)[1] == ("the last line is not written to its end",)
    assert numbers(written(tmp_path / "end.jsonl", events([0, 1, 2]), whole.rstrip("\n"))) == [0, 1, 2, 3, 4]


def test_lines_of_another_kind_are_left_out_and_told(tmp_path: Path) -> None:
    # As a Collector leaves them that was killed while it wrote, and started again.
    broken = events([3, 4])[:50] + events([5, 6])
    path = written(tmp_path / "x.jsonl", events([0]), broken, events([7]), "[]\n", events([8]))
    assert numbers(path) == [0, 7, 8]
    assert read(path)[1] == ("lines left out, as they are no OTLP JSON: 2, the first is line 2",)


@pytest.mark.parametrize(
    "record",
    [
        *("x", 7, None, ["x"], {"attributes": 7}, {"attributes": ["x"]}, {"attributes": [{}]}),
        {"attributes": [{"key": "log.record.uid", "value": 7}]},
        {"eventName": "otel_events.checkpoint", "attributes": [{"key": "x", "value": 7}]},
    ],
)
def test_records_of_another_form_cost_their_line(tmp_path: Path, record: Any) -> None:
    path = written(tmp_path / "x.jsonl", line(event(0), record, event(1)), events([2]))
    assert numbers(path) == [2]


@pytest.mark.parametrize("uid", ["", 7, "01ARYZ6S41ABCDEFGH0000000\x00"])
def test_a_strange_uid_is_a_record_all_the_same(tmp_path: Path, uid: Any) -> None:
    [record], _ = read(written(tmp_path / "x.jsonl", line({"attributes": [attribute("log.record.uid", uid)]})))
    assert record == Record("shop", "i1", str(uid))


def test_a_compressed_file(tmp_path: Path) -> None:
    packed = gzip.compress("".join(events([number]) for number in range(1000)).encode())
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(packed)
    assert numbers(path) == list(range(1000))
    path.write_bytes(packed[: len(packed) // 2])
    assert numbers(path)[:1] == [0]
    assert read(path)[1] == ("the last line is not written to its end",)
    path.write_bytes(packed[:-8] + b"\0" * 8)
    with pytest.raises(VerificationError, match="CRC check failed"):
        read(path)
    path.write_bytes(packed[:20] + b"\xff" * 2000)
    with pytest.raises(VerificationError, match=r"x\.jsonl\.gz"):
        read(path)


@pytest.mark.parametrize(
    "content", ["one\ntwo\n", "[]\n", "{}\n", '"resourceLogs"\n', "\x00\x01\n", "[" * 100_000 + "\n"]
)
def test_another_file_is_told_as_that(tmp_path: Path, content: str) -> None:
    with pytest.raises(VerificationError, match=CANNOT):
        read(written(tmp_path / "x", content))


def test_a_large_file_of_another_kind_is_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=CANNOT):
        read(written(tmp_path / "x", "nothing of interest\n" * 150, events([0])))
    assert numbers(written(tmp_path / "y", "nothing of interest\n" * 50, events([0]))) == [0]


def test_a_line_may_not_have_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "x", events([0]), events(range(100)))
    assert len(numbers(path)) == 101
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 1000)
    with pytest.raises(VerificationError, match="a line has more than 1000 bytes"):
        read(path)


def test_names_are_kept_to_a_length(tmp_path: Path) -> None:
    [record], _ = read(written(tmp_path / "x", line(event(0), service="s" * 10_000, instance="i" * 10_000)))
    assert (len(record.service), len(record.instance)) == (256, 256)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"nowhere.*No such file or directory"):
        read(tmp_path / "nowhere")
    with pytest.raises(VerificationError, match="Is a directory"):
        read(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceLogs", "resource", "scopeLogs", "scope", "name", "logRecords", "attributes", "key"]
            ),
            inner,
            max_size=3,
        )
    ),
)


@given(st.lists(st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode()), max_size=5))
def test_no_content_hinders_what_comes_after_it(tmp_path_factory: pytest.TempPathFactory, content: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    # Behind a line of its own, so that it is not taken for a compressed file.
    path.write_bytes(b"\n".join([b"{}", *content, events([0]).encode()]))
    assert place_of(read(path)[0][-1].uid) == ("ABCDEFGH", 0)
