"""Events as files: CSV, JSON lines, OTLP JSON lines; written page by page, so that memory stays flat."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_events.page.otlp import request_of

PAGE_SIZE: Final = 1_000

_CSV_COLUMNS: Final = (
    "time", "time_ns", "name", "actor", "service", "severity_number", "severity_text", "body", "uid", "trace_id", "span_id",
    "attributes",
)  # fmt: skip

# What spreadsheet programs take for a formula, or for something before one (OWASP, "CSV Injection").
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n]")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Args:
        suffix: How the file's name ends.
        media_type: Its media type.
        head: What it begins with, given the attributes that get a column of their own.
        page: One page of rows, all columns of ``events``, as text.
    """

    suffix: str
    media_type: str
    head: Callable[[Sequence[str]], str]
    page: Callable[[Sequence[sqlite3.Row], Sequence[str]], str]


def guarded(cell: Any) -> str:
    """Give a value as the text of a cell that no spreadsheet program takes for a formula; None as empty text."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _csv_head(columns: Sequence[str]) -> str:
    return _csv_line([*_CSV_COLUMNS, *columns])


def _csv_page(rows: Sequence[sqlite3.Row], columns: Sequence[str]) -> str:
    lines = []
    for row in rows:
        attributes = json.loads(row["attributes"]) if columns else {}
        cells = [row[column] for column in _CSV_COLUMNS]
        lines.append(_csv_line(cells + [_plain(attributes.get(column)) for column in columns]))
    return "".join(lines)


def _csv_line(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([guarded(cell) for cell in cells])
    return line.getvalue()


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _jsonl_page(rows: Sequence[sqlite3.Row], _: Sequence[str]) -> str:
    return "".join(json.dumps(_shown(row), ensure_ascii=False) + "\n" for row in rows)


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    shown = {column: row[column] for column in row.keys()}  # noqa: SIM118 # a Row is no mapping
    return {**shown, "attributes": json.loads(row["attributes"]), "resource": json.loads(row["resource"])}


def _otlp_page(rows: Sequence[sqlite3.Row], _: Sequence[str]) -> str:
    return json.dumps(request_of(rows), ensure_ascii=False, separators=(",", ":")) + "\n" if rows else ""


FORMATS: Final = {
    "csv": Format("csv", "text/csv; charset=utf-8", _csv_head, _csv_page),
    "jsonl": Format("jsonl", "application/x-ndjson", lambda _: "", _jsonl_page),
    "otlp": Format("otlp.jsonl", "application/x-ndjson", lambda _: "", _otlp_page),
}
"""By the name that a request gives. JSON lines hold the columns of the table ``events``, as ``view --terminal --json``
does; a line of OTLP JSON is one request of at most :data:`PAGE_SIZE` records."""
