"""Lines of plain text: printing them, and counting in them."""

from __future__ import annotations

import sys


def print_line(text: str = "") -> None:
    """Print a line, or several, as soon as it is made, on terminals of any encoding.

    What would act on a terminal, or hide or reorder text, is shown as an escape: the line may tell what came from outside.
    """
    encoding = sys.stdout.encoding or "utf-8"
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() or character == "\n" else ascii(character)[1:-1] for character in text
        )
    print(text.encode(encoding, errors="replace").decode(encoding), flush=True)


def counted(count: int, noun: str) -> str:
    """Write how many there are of something: ``1 record``, ``2 records``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
