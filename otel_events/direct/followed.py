"""Files that are followed: what tells one state of a file from another, and the headers that stand in one now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from otel_events.settings.otlp import OtlpSettings
from otel_events.unexported import warn

_UNSEEN: Final = object()


class FollowedHeaders:
    """The headers of requests, by what stands in the file; while that cannot be used, those that stood in it last.

    Of a file that cannot be used the log says so once, and that it can be used again.

    Args:
        otlp: Where the file is, if there is one, and the headers as they were when the settings were resolved.

    Attributes:
        now: The headers. What has been given out is never changed.
        wrong: What is wrong with the file, in words without any value; empty where nothing is.
    """

    def __init__(self, otlp: OtlpSettings) -> None:
        self.now: Mapping[str, str] = otlp.headers
        self.wrong = ""
        self._file = otlp.header_file
        self._state: object = _UNSEEN

    @property
    def renewable(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def look(self) -> Mapping[str, str]:
        """Return the headers, read anew where the file has changed."""
        if self._file is None or (state := state_of(self._file.path)) == self._state:
            return self.now
        try:
            headers, wrong = self._file.read(), ""
        except OSError as error:
            headers, wrong = None, f"cannot be read ({type(error).__name__})"
        except ValueError as error:
            headers, wrong = None, str(error)
        if headers is not None and headers != self.now:
            self.now = headers
        # A file that cannot be used is read each time: that its rights have changed does not show in its state.
        self._state = _UNSEEN if wrong else state
        self._say(wrong)
        return self.now

    def doubt(self) -> None:
        """Have the file read anew the next time, whether it seems to have changed or not: a server refuses what stood in it.

        Two changes within one tick of the clock of the file system look like one.
        """
        self._state = _UNSEEN

    def _say(self, wrong: str) -> None:
        if wrong == self.wrong or self._file is None:
            return
        was, self.wrong = self.wrong, wrong
        if wrong:
            warn(
                f"the file with headers, {self._file.path}, {wrong}. What stood in it before is used until it is mended."
            )
        elif was:
            warn(f"the file with headers, {self._file.path}, is used again.")


def state_of(path: str) -> object:
    """Return what tells one state of a file from another; None where there is none.

    Args:
        path: Of the file.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 # once a request; a Path costs more than the call
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
