"""The examples' README names every example, and every example says for itself what it shows and how to run it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.examples.running import EXAMPLES

SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
FOLDERS = sorted(
    f"{path.name}/" for path in EXAMPLES.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))
)


def test_the_readme_names_every_example_and_no_other() -> None:
    named = re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text())
    assert sorted(named) == sorted(SCRIPTS + FOLDERS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_says_how_to_run_it_and_is_short(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    assert f"python examples/{name}\n" in (ast.get_docstring(ast.parse(text)) or "")
    assert len(text.splitlines()) < 80
