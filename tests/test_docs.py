"""What README.md and docs/ show is so: their Python blocks run, print what they say, and their links lead somewhere.

How a page is written:

- A ``python`` block is run. The blocks of a page are run in their order, in one module named ``__main__``, so a later one may
  use what an earlier one defines. Warnings are errors. ``OTEL_EXPORTER_OTLP_ENDPOINT`` is a receiver's; no other ``OTEL_*``
  variable is set.
- A ``python no-run`` block is only compiled. No other word may stand behind ``python``.
- An ``output`` or ``text`` block directly behind a ``python`` block (nothing but blank lines between) is exactly what that
  prints; ``…`` stands for anything within a line.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from otel_events.receiver import Receiver
from tests.blocks import Block, blocks_of

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN_SECONDS = 120.0

_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s#]*)(?:#[^)\s]*)?\)")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with Receiver(tmp_path_factory.mktemp("docs") / "events.db", http_port=0, grpc_port=0) as receiver:
        yield {
            **others,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}",
        }


def problems_of(page: Path, environ: Mapping[str, str], folder: Path) -> list[str]:
    """Run a page and say what is not so."""
    blocks = blocks_of(page.read_text(encoding="utf-8"))
    problems = [problem for block in blocks for problem in _problems_of_block(block)]
    if problems or not any(block.runs for block in blocks):
        return problems
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "blocks.py"), str(page)],
        capture_output=True,
        text=True,
        env=environ,
        cwd=folder,
        timeout=RUN_SECONDS,
    )
    if done.returncode != 0:
        return [done.stderr]
    printed = iter(json.loads(done.stdout))
    expected = [*blocks[1:], Block("", "", 0, follows_directly=False)]
    for block, next_block in zip(blocks, expected, strict=True):
        if not block.runs:
            continue
        text = next(printed)
        if next_block.follows_directly and next_block.info in ("output", "text"):
            pattern = re.escape(next_block.code).replace("…", ".*?")
            if re.fullmatch(pattern, text) is None:
                problems.append(f"line {next_block.line}: it says\n{next_block.code}but what is printed is\n{text}")
    return problems


def _problems_of_block(block: Block) -> Iterator[str]:
    language, _, words = block.info.partition(" ")
    if language != "python":
        return
    if words not in ("", "no-run"):
        yield f"line {block.line}: behind python stands {words!r}; there is only no-run"
    try:
        compile(block.code, "block", "exec", dont_inherit=True)
    except SyntaxError as error:
        yield f"line {block.line}: {error}"


@pages
def test_its_blocks_run_and_print_what_it_says(page: Path, environ: Mapping[str, str], tmp_path: Path) -> None:
    assert problems_of(page, environ, tmp_path) == []


@pages
def test_its_links_lead_somewhere(page: Path) -> None:
    prose = _CODE.sub("", page.read_text(encoding="utf-8"))
    targets = {match[1] for match in _LINK.finditer(prose)} - {""}
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pages
def test_it_is_linked_from_the_readme(page: Path) -> None:
    assert page.name == "README.md" or f"(docs/{page.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


GOOD = """
# A page

```python
def twice(number):
    return 2 * number
```

    ```not a block

- in a list:

  ```python
  print(twice(2))
  print(id(twice))
  ```

  ```output
  4
  …
  ```

Not directly:

```text
whatever
```

```python no-run
import no_such_module
```

```sh
exit 1
```
"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("", "", None),
        ("4\n  …", "5\n  …", "line 19: it says\n5\n…\nbut what is printed is\n4\n"),
        ("  …\n", "", "line 19: it says\n4\nbut what is printed is\n4\n"),
        ("print(twice(2))", "print(once(2))", "line 14, in <module>\n    print(once(2))"),
        ("print(id", "import warnings; warnings.warn('old'); print(id", "UserWarning: old"),
        ("no-run", "norun", "line 30: behind python stands 'norun'; there is only no-run"),
        ("import no_such_module", "import no such module", "line 30: invalid syntax (block, line 1)"),
        ("  ```output", "  ```text", None),
        ("text\nwhatever", "output\nwhatever", None),
    ],
)
def test_what_is_not_so_is_found(
    old: str, new: str, problem: str | None, environ: Mapping[str, str], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(GOOD.replace(old, new), encoding="utf-8")
    problems = problems_of(page, environ, tmp_path)
    if problem is None:
        assert problems == []
    else:
        [found] = problems
        assert problem in found
