"""``otel-events journal``: what waits on disk, sending it now, and what becomes of what no server takes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from otel_events.direct.journal.directory import JournalDirectory

HELP: Final = "look into the journal, send what processes left behind, and see to dead letters"

_MAX_WAIT_SECONDS: Final = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)

    status = _add(subparsers, "status", "what each file holds, and whether the process that owns it is alive")
    status.set_defaults(subcommand_run=_status)

    replay = _add(subparsers, "replay", "send what is in the files of processes that have ended")
    replay.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=30.0,
        help="how long to go on while the server takes nothing; default: %(default)g",
    )
    replay.set_defaults(subcommand_run=_replay)

    letters = _add(subparsers, "dead-letters", "list what no server took; look at it, have it sent again, drop it")
    what = letters.add_mutually_exclusive_group()
    what.add_argument("--show", metavar="ID", help="print all that is in one, as OTLP JSON")
    what.add_argument("--export", metavar="FILE", type=Path, help="write all to a new file, as OTLP JSON lines")
    what.add_argument("--retry", metavar="ID", nargs="*", help="put these, or all, back among what is to be sent")
    what.add_argument("--drop", metavar="ID", nargs="+", help="remove these for good")
    letters.add_argument("--yes", action="store_true", help="with --drop: without it, nothing is removed")
    letters.set_defaults(subcommand_run=_dead_letters)


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Returns:
        0 when all is fine, 1 when there is something to see to, 2 for wrong usage.

    Raises:
        JournalError: The journal cannot be used, or a directory that was named is not there.
        SettingsError: A setting is unknown or has a bad value.
    """
    return int(args.subcommand_run(args))


def _add(subparsers: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--journal", metavar="DIR", type=Path, help="the directory; default: that of the settings in the environment"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _directory(args: argparse.Namespace) -> JournalDirectory:
    from otel_events.direct.journal.directory import JournalDirectory
    from otel_events.exceptions import JournalError
    from otel_events.settings import resolve

    if args.journal is None:
        settings = resolve()
        path, named_by = settings.journal.directory, settings.sources.get("journal")
    else:
        path, named_by = args.journal, "--journal"
    # Nothing comes into the journal here; what is moved within it must always find room.
    directory = JournalDirectory(path, sys.maxsize)
    try:
        directory.path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        # The default may not be there yet. A name that leads nowhere is mistyped, and must not look like a journal that is empty.
        if named_by is not None:
            raise JournalError(
                f"the directory {directory.path} of a journal is not there: look at {named_by}."
            ) from error
    except OSError as error:
        raise JournalError(f"the directory {directory.path} of a journal cannot be read: {error.strerror}.") from error
    return directory


def _status(args: argparse.Namespace) -> int:
    from otel_events.cli.journal_status import status

    return status(_directory(args), as_json=args.json)


def _replay(args: argparse.Namespace) -> int:
    from otel_events.cli.journal_replay import replay

    return replay(_directory(args), args.wait, as_json=args.json)


def _dead_letters(args: argparse.Namespace) -> int:
    from otel_events.cli import journal_letters as letters

    directory = _directory(args)
    if args.show is not None:
        return letters.show(directory, args.show)
    if args.export is not None:
        return letters.export(directory, args.export, as_json=args.json)
    if args.retry is not None:
        return letters.retry(directory, args.retry, as_json=args.json)
    if args.drop is not None:
        return letters.drop(directory, args.drop, sure=args.yes, as_json=args.json)
    return letters.listing(directory, as_json=args.json)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _MAX_WAIT_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_MAX_WAIT_SECONDS:g}")
    return seconds
