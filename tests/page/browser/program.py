"""The browser's program: the system's Chromium, as it may be called and started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING: Final = "no Chromium on PATH: install the system's package chromium (Debian: apt-get install chromium)"


def find_chromium() -> Path | None:
    """Return the program, None where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return None if found is None else Path(found)


def arguments() -> list[str]:
    """Return with what it is started. As root, as in a container, Chromium has no sandbox."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
