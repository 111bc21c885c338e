"""Where exported events are read back from, and reading them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from otel_events.exceptions import VerificationError
from otel_events.scrub import shown_url
from otel_events.shown import shown
from otel_events.verification.database import MAGIC, Database
from otel_events.verification.fetch import is_usable
from otel_events.verification.ledger import Ledger
from otel_events.verification.otlp_file import OtlpFile
from otel_events.verification.record import Record
from otel_events.verification.report import Report, SourceReport
from otel_events.verification.victorialogs import VictoriaLogs


class Source(Protocol):
    """A place that holds exported events."""

    @property
    def where(self) -> str:
        """Its name, fit to be shown."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of what was read, in words."""

    def records(self) -> Iterator[Record]:
        """Yield its log records that have the scope of this package."""


def source_of(text: str, service: str | None = None) -> Source:
    """Return the source that a path or a URL names.

    Args:
        text: The path of a file of OTLP JSON lines or of the receiver's database, or the URL of VictoriaLogs.
        service: The ``service.name`` that is asked for; None for all.

    Raises:
        VerificationError: It is none of those.
    """
    if text.startswith(("http://", "https://")):
        if not is_usable(text):
            raise VerificationError(f"{shown(shown_url(text))} is not the URL of a server")
        return VictoriaLogs(text, service)
    path = Path(text)
    try:
        with path.open("rb") as file:
            is_database = file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError) as error:
        raise VerificationError(f"{text!r}: {getattr(error, 'strerror', None) or error}") from error
    return Database(path) if is_database else OtlpFile(path)


def verify(where: Sequence[str], service: str | None = None) -> Report:
    """Read events from all places, as parts of one whole, and say what is missing and what came twice.

    Args:
        where: Paths and URLs; see ``source_of``.
        service: Only events of this ``service.name``; None for all.

    Raises:
        VerificationError: A place cannot be read, or no event is there.
    """
    sources = [source_of(text, service) for text in where]
    ledger = Ledger(service)
    reports = []
    for source in sources:
        before = ledger.entered
        for record in source.records():
            ledger.add(record)
        reports.append(SourceReport(source.where, ledger.entered - before, source.notes))
    report = ledger.report(reports)
    if not report.streams:
        raise VerificationError(_nothing(report, ledger, service))
    return report


def _nothing(report: Report, ledger: Ledger, service: str | None) -> str:
    if ledger.other_services:
        return f"no event of the service {shown(service)}; there are events of {shown(sorted(ledger.other_services))}"
    of_service = "" if service is None else f" of the service {shown(service)}"
    others = f"; records without a uid: {report.others}" if report.others else ""
    return f"no event of otel-events{of_service} is there, among log records{others}"
