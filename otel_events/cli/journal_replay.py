"""``otel-events journal replay``: send what processes left behind, while one looks on."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_events.cli.journal_status import absence, damage
from otel_events.cli.lines import counted, print_line
from otel_events.cli.stopping import until_signalled
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.overview import FileState, overview
from otel_events.shown import shown

if TYPE_CHECKING:
    from otel_events.direct.answers import Answer
    from otel_events.direct.journal.replay import Replay
    from otel_events.settings.otlp import OtlpSettings


def replay(directory: JournalDirectory, patience_seconds: float, *, as_json: bool) -> int:
    """Send it, and print what came of it. Ctrl-C and SIGTERM end it after the request that is under way.

    Args:
        directory: The journal.
        patience_seconds: How long to go on while the server takes nothing.
        as_json: As one JSON document.

    Returns:
        0 when nothing that has no owner remains, 1 when something does, or the server refused something, or a file is damaged
        or could not be opened.

    Raises:
        JournalError: The directory cannot be read.
        SettingsError: A setting is unknown or has a bad value.
    """
    # gRPC looks at this when it is loaded, and writes of its own troubles to stderr otherwise.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from otel_events.direct.journal.replay import Replay
    from otel_events.settings import resolve

    settings = resolve()
    if not as_json and (absent := absence(directory)):
        print_line(absent)
        return 0
    before = list(overview(directory))
    aside_before = set(_set_aside(directory))
    waiting = sum(file.records for file in before if not file.owned)
    if not as_json:
        for line in _passed_over(before):
            print_line(line)
    sending = Replay(directory, settings)
    with until_signalled() as stopped, _progress(waiting, wanted=not as_json) as show:
        if waiting:
            sending.run(patience_seconds, stopped, lambda: show(sending.sent + sending.dead))
    after = list(overview(directory))
    remaining = sum(file.records for file in after if not file.owned)
    problems = [file.problem for file in after if file.problem] + ([sending.problem] if sending.problem else [])
    problems += _damage(directory, aside_before)
    trouble = _words_for(settings.logs, sending.trouble) if sending.trouble is not None and remaining else None
    if as_json:
        print(json.dumps(_as_data(directory, sending, remaining, after, trouble, problems), indent=2))
    else:
        print_line(f"sent: {sending.sent}, refused: {sending.dead}, remaining: {remaining}")
        if sending.dead:
            print_line("What was refused is among the dead letters: `otel-events journal dead-letters` lists them.")
        for sentence in (*([trouble] if trouble else ()), *problems):
            print_line(sentence)
    return 1 if remaining or sending.dead or problems else 0


def _set_aside(directory: JournalDirectory) -> list[Path]:
    return directory.damaged_files() if directory.path.exists() else []


def _damage(directory: JournalDirectory, aside_before: Set[Path]) -> Iterator[str]:
    aside = [path for path in _set_aside(directory) if path not in aside_before]
    yield from map(damage, aside)
    if (others := directory.damaged - len(aside)) > 0:
        yield f"damaged, and could not be set aside: {others}"


def _passed_over(files: Sequence[FileState]) -> Iterator[str]:
    for file in files:
        if file.owned and file.records:
            records = counted(file.records, "record")
            yield f"passed over: {shown(file.path.name)[1:-1]}: its process is alive and sends its {records}"


def _words_for(otlp: OtlpSettings, answer: Answer) -> str:
    from otel_events.diagnosis import Seen, diagnose

    diagnosis = diagnose("logs", otlp, Seen(answer.code, answer.detail))
    # That is so in a process that goes on; this command has ended when it is said.
    cure = diagnosis.cure.replace("; sending is tried again", "")
    return f"log records do not arrive at {otlp.shown_endpoint} ({otlp.protocol}): {diagnosis.cause}. {cure}"


def _as_data(
    directory: JournalDirectory,
    sending: Replay,
    remaining: int,
    files: Sequence[FileState],
    trouble: str | None,
    problems: Sequence[str],
) -> dict[str, Any]:
    return {
        "directory": str(directory.path),
        "sent": sending.sent,
        "refused": sending.dead,
        "remaining": remaining,
        "passed_over": [str(file.path) for file in files if file.owned],
        "trouble": trouble,
        "problems": list(problems),
    }


@contextlib.contextmanager
def _progress(total: int, *, wanted: bool) -> Iterator[Callable[[int], None]]:
    """Give what is to be called with the number of records that are done: it moves a bar, on a terminal that can show one."""
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ModuleNotFoundError:
        wanted = False
    if not (wanted and total and sys.stdout.isatty()):
        yield lambda _: None
        return
    with Progress(TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("sending", total=total)
        yield lambda done: progress.update(task, completed=done)
