"""Reading a file of OTLP JSON lines, as the Collector's file exporter writes them; also one that was compressed with gzip."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from otel_events import semconv
from otel_events.exceptions import VerificationError
from otel_events.verification.otlp_json import attributes, scopes, text_of
from otel_events.verification.record import MAX_NAME_CHARACTERS, Record

MAX_LINE_BYTES: Final = 64 * 1024 * 1024

_MAX_STRANGE_LINES: Final = 100
"""Where a file begins with so many lines of another kind, it is taken for another file."""

_GZIP: Final = b"\x1f\x8b"
_REQUESTS: Final = ("resourceLogs", "resourceSpans", "resourceMetrics", "resourceProfiles")


class OtlpFile:
    """A file of OTLP JSON lines. It is read line by line, and may be one that is still written to.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = self._strange = self._first_strange = 0
        self._cut = False

    @property
    def where(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of what was read, in words."""
        notes = []
        if self._strange:
            notes.append(
                f"lines left out, as they are no OTLP JSON: {self._strange}, the first is line {self._first_strange}"
            )
        if self._cut:
            notes.append("the last line is not written to its end")
        return tuple(notes)

    def records(self) -> Iterator[Record]:
        """Yield its log records that have the scope of this package.

        Raises:
            VerificationError: It cannot be read, or is no such file.
        """
        try:
            with self._open() as file:
                yield from self._records(file)
        except (OSError, zlib.error) as error:
            raise VerificationError(f"{self.where!r}: {getattr(error, 'strerror', None) or error}") from error
        if self._strange and not self._read:
            raise self._other_file()

    def _records(self, file: BufferedReader | gzip.GzipFile) -> Iterator[Record]:
        for number, line in enumerate(self._lines(file), 1):
            try:
                records = list(_records_of(json.loads(line)))
            except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
                if not line.endswith(b"\n"):
                    self._cut = True
                    return
                self._strange += 1
                self._first_strange = self._first_strange or number
                if self._strange >= _MAX_STRANGE_LINES and not self._read:
                    raise self._other_file() from None
                continue
            self._read += 1
            yield from records

    def _open(self) -> BufferedReader | gzip.GzipFile:
        file = self._path.open("rb")
        if file.peek(2)[:2] != _GZIP:
            return file
        file.close()
        return gzip.open(self._path)

    def _lines(self, file: BufferedReader | gzip.GzipFile) -> Iterator[bytes]:
        try:
            while line := file.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    raise VerificationError(f"{self.where!r}: a line has more than {MAX_LINE_BYTES} bytes")
                if line.strip():
                    yield line
        except EOFError:
            self._cut = True

    def _other_file(self) -> VerificationError:
        return VerificationError(
            f"{self.where!r} is neither a file of OTLP JSON lines, as the Collector's file exporter writes them with "
            "format: json and without compression, nor the database of otel-events view"
        )


def _records_of(line: Any) -> Iterator[Record]:
    if not isinstance(line, dict) or not any(request in line for request in _REQUESTS):
        raise TypeError("no request of OTLP's")
    for resource, scope in scopes(line, "resourceLogs", "scopeLogs"):
        if scope.get("scope", {}).get("name") != semconv.SCOPE_NAME:
            continue
        of_resource = attributes(resource)
        service = of_resource.get("service.name", "")[:MAX_NAME_CHARACTERS]
        instance = of_resource.get("service.instance.id", "")[:MAX_NAME_CHARACTERS]
        for record in scope.get("logRecords", ()):
            uid = _uid(record)
            is_checkpoint = not uid and record.get("eventName") == semconv.CHECKPOINT
            yield Record(service, instance, uid, attributes(record) if is_checkpoint else None)


def _uid(record: Mapping[str, Any]) -> str:
    for pair in record.get("attributes", ()):
        if pair["key"] == semconv.LOG_RECORD_UID:
            return text_of(pair.get("value", {}))
    return ""
