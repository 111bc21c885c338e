"""The page's own files: no way by which data could become markup or code, and nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import otel_events

STATIC = Path(otel_events.__file__).parent / "page" / "static"
FILES = sorted(STATIC.iterdir())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
MAX_LINES = 250

MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|parseFromString|createContextualFragment|srcdoc"
    r"|\beval\b|new Function|setTimeout\(\s*[\"'`]|javascript:"
)
ELSEWHERE = re.compile(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_or_code_of_text(path: Path) -> None:
    assert MARKUP.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_another_host(path: Path) -> None:
    found = set(ELSEWHERE.findall(path.read_text(encoding="utf-8")))
    assert found <= {"http://www.w3.org"}  # the namespace of SVG, which nobody asks


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_what_it_is_and_is_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(("/** ", "// "))
    assert len(lines) <= MAX_LINES


def test_the_html_has_neither_scripts_nor_styles_of_its_own() -> None:
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text) == []


def test_every_module_is_used() -> None:
    imported = {
        name for path in SCRIPTS for name in re.findall(r'from "\./([a-z]+\.js)"', path.read_text(encoding="utf-8"))
    }
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    assert {path.name for path in SCRIPTS} == imported | set(re.findall(r'src="/static/([a-z]+\.js)"', html))
