"""Opening the page in a browser, where somebody sits in front of one."""

from __future__ import annotations

import os
import sys
import webbrowser


def somebody_looks_on() -> bool:
    """Tell whether this is a terminal on a machine with a screen; elsewhere a browser would open unseen, or in the terminal."""
    if not sys.stdout.isatty():
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"))


def open_page(url: str) -> bool:
    """Open an address in the browser; say whether there is one."""
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
