"""The code blocks of a documentation page, and running its Python blocks: ``python tests/blocks.py PAGE`` prints what they do.

Run as a script it needs nothing but the standard library, and what the blocks import.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FENCED = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: the words behind the fence, what is in it, and the page's line on which that begins."""

    info: str
    code: str
    line: int
    follows_directly: bool
    """Whether nothing but blank lines is between it and the block before it."""

    @property
    def runs(self) -> bool:
        return self.info == "python"


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    blocks: list[Block] = []
    end = 0
    for found in _FENCED.finditer(text):
        between = text[end : found.start()]
        code, line = textwrap.dedent(found["code"]), text.count("\n", 0, found.start("code")) + 1
        blocks.append(Block(found["info"].strip(), code, line, bool(blocks) and not between.strip()))
        end = found.end()
    return blocks


def run_blocks(page: Path) -> Iterator[str]:
    """Run the Python blocks of a page, one after the other in one module, and yield what each prints."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.runs:
            # Blank lines before it make tracebacks show the page's line.
            code = compile("\n" * (block.line - 1) + block.code, str(page), "exec", dont_inherit=True)
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(code, vars(module))
            yield printed.getvalue()


if __name__ == "__main__":
    print(json.dumps(list(run_blocks(Path(sys.argv[1])))))
