"""A file that fills up is said once, from four fifths on, and again only when it was emptier in between."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.fullness import watch_fullness
from otel_events.direct.notices import Notices


def test_it_is_said_once_as_long_as_it_is_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "otel_events")
    directory, notices = JournalDirectory(tmp_path, 1000), Notices(str)
    said = []
    for size in (0, 799, 800, 900, 1000, 799, 800):
        watch_fullness(size, directory, notices)
        said.append(len(caplog.records))
    assert said == [0, 0, 1, 1, 1, 1, 2]
    assert f"the journal in {tmp_path} holds 800 of at most 1000 bytes" in caplog.records[0].getMessage()
