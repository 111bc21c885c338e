"""Draws docs/images/demo.svg: runs `otel-events demo` and writes down what a terminal shows of it (`make images`)."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 132
FIRST_LINES, LAST_LINES = 28, 7

# Rich's own frame loads a font from elsewhere; a picture in a README loads nothing.
FRAME = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; white-space: pre; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
<rect fill="#1b1b1b" width="{width}" height="{height}" rx="8"/>
<g transform="translate(20, 24)" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


def main() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment |= {"FORCE_COLOR": "1", "COLUMNS": "1000"}
    demo = [sys.executable, "-m", "otel_events", "demo"]
    shown = subprocess.run(demo, env=environment, check=True, capture_output=True, text=True).stdout
    lines = Text.from_ansi(shown).split("\n")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in [*lines[:FIRST_LINES], Text("⋮", "dim"), *lines[-LAST_LINES:-1]]:
        line.truncate(COLUMNS, overflow="ellipsis")
        console.print(line, no_wrap=True, overflow="crop", highlight=False)
    picture = console.export_svg(code_format=FRAME, theme=MONOKAI, unique_id="demo")
    Path(__file__).with_name("demo.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
