"""Saying that a file of a journal fills up, before it is full."""

from __future__ import annotations

from typing import Final

from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.notices import Notices

_WARNED_SHARE: Final = 0.8


def watch_fullness(size_bytes: int, directory: JournalDirectory, notices: Notices) -> None:
    """Say once that a file is nearly full, and forget that when it no longer is.

    Args:
        size_bytes: What it holds.
        directory: Where it is; a file in it may hold so many bytes.
        notices: Says it.
    """
    if size_bytes < directory.max_bytes * _WARNED_SHARE:
        notices.forget("filling")
        return
    notices.trouble(
        "filling",
        f"the journal in {directory.path} holds {size_bytes} of at most {directory.max_bytes} bytes, and takes no more events "
        "when it is full. Look why they do not leave (stats(), `otel-events journal status`), or raise journal_bytes.",
    )
