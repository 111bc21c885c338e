"""``otel-events journal status``: what each file of a journal holds, and whether somebody sends it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from otel_events.cli.lines import print_line
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.overview import FileState, overview
from otel_events.shown import shown

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
_NEXT: Final = "the next process of the application that uses the journal"
_HEAD: Final = ("file", "owner", "records", "size", "oldest", "dead letters")


def status(directory: JournalDirectory, *, as_json: bool) -> int:
    """Print it.

    Args:
        directory: The journal.
        as_json: As one JSON document.

    Returns:
        1 where there are dead letters, or files that are damaged or cannot be opened; else 0.

    Raises:
        JournalError: The directory cannot be read.
    """
    files = list(overview(directory))
    damaged = directory.damaged_files() if directory.path.exists() else []
    if as_json:
        print(json.dumps(_as_data(directory, files, damaged), indent=2))
    else:
        for line in _lines(directory, files, damaged):
            print_line(line)
    return 0 if _fine(files, damaged) else 1


def absence(directory: JournalDirectory) -> str | None:
    """Say that there is no journal yet, where there is none."""
    if directory.path.exists():
        return None
    return (
        f"there is no journal yet in {str(directory.path)!r}: it is made with the first event that goes into it. "
        "If the application has it elsewhere, name that: --journal DIR"
    )


def damage(path: Path) -> str:
    """Say of a file that was set aside what to do with it."""
    return f"set aside, damaged: {str(path)!r}. Try `sqlite3 FILE .recover` on a copy, then delete it."


def duration(seconds: float) -> str:
    """Write a time in the largest unit that fits: ``3 h``."""
    for unit_seconds, unit in _UNITS:
        if seconds >= unit_seconds:
            return f"{seconds / unit_seconds:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"


def size(count: int) -> str:
    """Write a number of bytes in the largest unit that fits: ``1.2 MB``."""
    number, units = float(count), iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while number >= 1000:
        number, unit = number / 1000, next(units)
    return f"{number:.1f} {unit}" if unit != "B" else f"{count} B"


def _fine(files: Sequence[FileState], damaged: Sequence[Path]) -> bool:
    return not damaged and not any(file.dead_letters or file.problem for file in files)


def _age(file: FileState) -> float | None:
    return None if file.oldest_ns is None else max(time.time() - file.oldest_ns / 1e9, 0.0)


def _total(files: Sequence[FileState]) -> dict[str, Any]:
    return {
        "records": sum(file.records for file in files),
        "bytes": sum(file.size_bytes for file in files),
        "oldest_seconds": max((age for file in files if (age := _age(file)) is not None), default=None),
        "dead_letters": sum(file.dead_letters for file in files),
    }


def _as_data(directory: JournalDirectory, files: Sequence[FileState], damaged: Sequence[Path]) -> dict[str, Any]:
    return {
        "directory": str(directory.path),
        "fine": _fine(files, damaged),
        "files": [
            {
                "path": str(file.path),
                "owner_alive": file.owned,
                "records": file.records,
                "bytes": file.size_bytes,
                "oldest_seconds": _age(file),
                "dead_letters": file.dead_letters,
                "problem": file.problem,
            }
            for file in files
        ],
        "damaged": [str(path) for path in damaged],
        "total": _total(files),
    }


def _lines(directory: JournalDirectory, files: Sequence[FileState], damaged: Sequence[Path]) -> Iterator[str]:
    if absent := absence(directory):
        yield absent
        return
    yield f"journal in {str(directory.path)!r}"
    if files:
        total = _total(files)
        rows = [_HEAD, *map(_row, files)]
        rows.append(
            ("total", "", *_numbers(total["records"], total["bytes"], total["oldest_seconds"], total["dead_letters"]))
        )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        yield ""
        for row in rows:
            yield "  " + "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
    yield ""
    yield from _findings(files, damaged)


def _row(file: FileState) -> tuple[str, ...]:
    numbers = ("?",) * 4 if file.problem else _numbers(file.records, file.size_bytes, _age(file), file.dead_letters)
    return (shown(file.path.name)[1:-1], "alive" if file.owned else "none", *numbers)


def _numbers(records: int, size_bytes: int, age: float | None, dead_letters: int) -> tuple[str, ...]:
    return str(records), size(size_bytes), "-" if age is None else duration(age), str(dead_letters)


def _findings(files: Sequence[FileState], damaged: Sequence[Path]) -> Iterator[str]:
    if any(file.records and not file.owned for file in files):
        who = "a process that is alive, within half a minute" if any(file.owned for file in files) else _NEXT
        yield f"What has no owner is sent by {who}, or now by `otel-events journal replay`."
    if any(file.dead_letters for file in files):
        yield "There are dead letters: `otel-events journal dead-letters` lists them."
    for file in files:
        if file.problem:
            yield f"not looked into: {file.problem}"
    yield from map(damage, damaged)
    if not any(file.records for file in files) and _fine(files, damaged):
        yield "nothing waits"
