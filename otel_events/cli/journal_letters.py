"""``otel-events journal dead-letters``: what no server took, and what becomes of it."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any, Final

from otel_events.cli.journal_status import absence
from otel_events.cli.lines import counted, print_line
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.letters import Found, Letters
from otel_events.direct.otlp_json import as_data, as_line
from otel_events.exceptions import JournalError
from otel_events.shown import shown

_MAX_LISTED: Final = 1_000
_MAX_NAMES: Final = 5


def listing(directory: JournalDirectory, *, as_json: bool) -> int:
    """Print what there is: of each its id, when and why it was given up, and the names of its events.

    Args:
        directory: The journal.
        as_json: As one JSON document.

    Returns:
        1 where there are any, or a file cannot be looked into; else 0.
    """
    letters = Letters(directory)
    found = iter(letters)
    rows = [_row(one) for one in islice(found, _MAX_LISTED)]
    more = sum(1 for _ in found)
    if as_json:
        document = {"directory": str(directory.path), "dead_letters": rows, "more": more, "problems": letters.problems}
        print(json.dumps(document, indent=2))
    else:
        for row in rows:
            for line in _lines(row):
                print_line(line)
        if more:
            print_line(f"… and {more} more; `--export FILE` writes all")
        for problem in letters.problems:
            print_line(f"not looked into: {problem}")
        if not rows and not letters.problems:
            print_line(absence(directory) or "no dead letters")
    return 1 if rows or letters.problems else 0


def show(directory: JournalDirectory, wanted: str) -> int:
    """Print all that is in one, as OTLP JSON in ASCII.

    Args:
        directory: The journal.
        wanted: Its id.

    Raises:
        JournalError: There is no such dead letter.
    """
    for found in Letters(directory):
        if found.id == wanted:
            print(json.dumps({**_row(found), "request": as_data(found.request())}, indent=2))
            return 0
    raise JournalError(f"there is no dead letter {wanted!r} in {directory.path}.")


def export(directory: JournalDirectory, path: Path, *, as_json: bool) -> int:
    """Write all to a new file, one a line, as OTLP JSON.

    Args:
        directory: The journal.
        path: The file, which must not be there; its owner alone may read it.
        as_json: Print the number as JSON.

    Raises:
        JournalError: It is there already, or cannot be written.
    """
    letters = Letters(directory)
    count = 0
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            for found in letters:
                file.write(as_line(found.request()))
                count += 1
    except OSError as error:
        if isinstance(error, JournalError):
            raise
        raise JournalError(f"{path} cannot be written: {error.strerror}. Name a file that is not there yet.") from error
    _tell({"exported": count, "problems": letters.problems}, as_json)
    if not as_json and (absent := absence(directory)):
        print_line(absent)
    return 1 if letters.problems else 0


def retry(directory: JournalDirectory, ids: Sequence[str], *, as_json: bool) -> int:
    """Put some, or all, back among what is to be sent.

    Args:
        directory: The journal.
        ids: Which; all, where none is given.
        as_json: Print the number as JSON.

    Raises:
        JournalError: There is no such dead letter, or the journal cannot be written to.
    """
    letters = Letters(directory)
    count, unreadable = letters.retry(ids)
    _tell({"put_back": count, "unreadable": unreadable, "problems": letters.problems}, as_json)
    if not as_json and (absent := absence(directory)):
        print_line(absent)
    if count and not as_json:
        alive = any(owned for _, owned in directory.files())
        who = (
            "A process that is alive sends them within half a minute"
            if alive
            else "The next process of the application sends them"
        )
        print_line(f"{who}, or now `otel-events journal replay`.")
    return 1 if unreadable or letters.problems else 0


def drop(directory: JournalDirectory, ids: Sequence[str], *, sure: bool, as_json: bool) -> int:
    """Remove some for good.

    Args:
        directory: The journal.
        ids: Which.
        sure: Without it, nothing is removed.
        as_json: Print the number as JSON.

    Returns:
        2 where it is not sure.

    Raises:
        JournalError: There is no such dead letter, or the journal cannot be written to.
    """
    if not sure:
        count = len(set(ids))
        print(
            f"otel-events journal dead-letters: nothing is removed. With --yes, {counted(count, 'dead letter')} "
            f"{'is' if count == 1 else 'are'}, for good; --export FILE keeps a copy.",
            file=sys.stderr,
        )
        return 2
    letters = Letters(directory)
    count = letters.drop(ids)
    _tell({"dropped": count, "problems": letters.problems}, as_json)
    return 1 if letters.problems else 0


def _tell(numbers: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(numbers, indent=2))
        return
    for name, value in numbers.items():
        if value or isinstance(value, int):
            print_line(f"{name.replace('_', ' ')}: {value if isinstance(value, int) else ', '.join(value)}")


def _row(found: Found) -> dict[str, Any]:
    letter = found.letter
    records = [
        record for logs in found.request().resource_logs for scoped in logs.scope_logs for record in scoped.log_records
    ]
    given_up = datetime.fromtimestamp(letter.at_ns // 1_000_000_000, timezone.utc)
    return {
        "id": found.id,
        "path": str(found.path),
        "owner_alive": found.owned,
        "given_up": f"{given_up:%Y-%m-%dT%H:%M:%SZ}",
        "records": letter.count,
        "possibly_delivered": letter.possibly_delivered,
        "reason": letter.reason,
        "events": dict(Counter(record.event_name for record in records)),
    }


def _lines(row: dict[str, Any]) -> list[str]:
    names = [f"{shown(name)[1:-1]} ×{count}" for name, count in islice(row["events"].items(), _MAX_NAMES)]
    names += ["…"] * (len(row["events"]) > _MAX_NAMES)
    maybe = "; the server may have taken some" if row["possibly_delivered"] else ""
    return [
        f"{shown(row['id'])[1:-1]}  {row['given_up']}  {', '.join(names) or 'unreadable'}",
        f"    {shown(row['reason'])[1:-1]}{maybe}",
    ]
