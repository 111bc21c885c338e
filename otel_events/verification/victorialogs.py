"""Reading what VictoriaLogs holds, over its query API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from otel_events import semconv
from otel_events.exceptions import VerificationError
from otel_events.scrub import scrub, secrets_in_url, shown_url
from otel_events.verification.fetch import fetch_lines
from otel_events.verification.record import MAX_NAME_CHARACTERS, Record

_SECONDS: Final = 60.0


class VictoriaLogs:
    """What VictoriaLogs holds, of all times.

    Args:
        url: Its URL, such as ``http://localhost:9428``.
        service: Only of this ``service.name``; None for all.
    """

    notes = ()

    def __init__(self, url: str, service: str | None = None) -> None:
        self._url = url
        self._service = service

    @property
    def where(self) -> str:
        """The URL, fit to be shown."""
        return shown_url(self._url)

    def records(self) -> Iterator[Record]:
        """Yield its log records that have the scope of this package.

        Raises:
            VerificationError: It cannot be asked, or is no VictoriaLogs.
        """
        form = urlencode({"query": _query(self._service)}).encode()
        try:
            for line in fetch_lines(self._url, "/select/logsql/query", form, timeout=_SECONDS):
                if line.strip():
                    yield _record(json.loads(line))
        except VerificationError as error:
            problem = scrub(str(error), secrets_in_url(self._url))
            raise VerificationError(f"{self.where}: {problem}") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise VerificationError(
                f"{self.where}: it does not answer as VictoriaLogs does: is it the address of VictoriaLogs (usually port 9428)?"
            ) from error


def _query(service: str | None) -> str:
    """Return the query, in LogsQL."""
    of_service = "" if service is None else f' "service.name":={json.dumps(service, ensure_ascii=False)}'
    keys = ("service.name", "service.instance.id", "event_name", semconv.LOG_RECORD_UID)
    fields = ", ".join(f'"{key}"' for key in keys)
    return f'"scope.name":="{semconv.SCOPE_NAME}"{of_service} | fields {fields}, "{semconv.SCOPE_NAME}."*'


def _record(fields: dict[str, Any]) -> Record:
    texts = {key: str(value) for key, value in fields.items()}
    uid = texts.get(semconv.LOG_RECORD_UID, "")
    is_checkpoint = not uid and texts.get("event_name") == semconv.CHECKPOINT
    return Record(
        texts.get("service.name", "")[:MAX_NAME_CHARACTERS],
        texts.get("service.instance.id", "")[:MAX_NAME_CHARACTERS],
        uid,
        texts if is_checkpoint else None,
    )
