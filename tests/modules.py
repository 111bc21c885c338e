"""Modules written for a test: what their source says is run as a module of its own, which other ones can import."""

from __future__ import annotations

import itertools
import sys
import textwrap
from types import ModuleType
from typing import Any, Final

FUTURE: Final = "from __future__ import annotations"

_numbers = itertools.count(1)


def write_module(source: str, name: str | None = None) -> Any:
    """Run a source as a module and return that.

    Args:
        source: Python code; it may be indented as a whole.
        name: The module's name; by default one that no other has.
    """
    module = ModuleType(name or f"written_{next(_numbers)}")
    sys.modules[module.__name__] = module
    exec(compile(textwrap.dedent(source), f"<{module.__name__}>", "exec", dont_inherit=True), vars(module))
    return module
