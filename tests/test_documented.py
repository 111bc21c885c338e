"""Every hook, setting, example and version has its place in the docs, and the docs name no setting that there is not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import otel_events
from otel_events import hookspecs
from otel_events.privacy import ACTOR_POLICIES, PERSONAL_POLICIES
from otel_events.settings import OWN, PIPELINES, RESOURCE_ARGUMENTS, SIGNALS
from otel_events.settings.otlp import COMPRESSIONS, OTLP_ARGUMENTS, PROTOCOLS
from otel_events.tracking.plugins import HOOKS

ROOT = Path(__file__).parents[1]


def section(page: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its kind."""
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no heading {heading!r}"
    return found[1]


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_documented_and_tested(hook: str) -> None:
    spec = getattr(hookspecs, hook)
    arguments = list(inspect.signature(spec).parameters)
    text = section((ROOT / "docs" / "hooks.md").read_text(encoding="utf-8"), f"## {hook}({', '.join(arguments)})")
    signature = str(inspect.signature(spec)).replace("'", "")
    assert f"```python no-run\ndef {hook}{signature}: ...\n```" in text
    for argument in arguments:
        assert f"- `{argument}`: " in text
    assert arguments or "Takes no arguments." in text
    examples = re.findall(r"^```python\n(.*?)^```\n\n```output$", text, re.MULTILINE | re.DOTALL)
    called = {"shutdown": "tracker.shutdown("}.get(hook, "@otel_events.hookimpl")
    assert any(called in example for example in examples)
    assert "A real one: [" in text
    tests = (ROOT / "tests" / "test_hookspecs.py").read_text(encoding="utf-8")
    assert f"    @hookimpl\n    def {hook}(self" in tests


VARIABLES = [
    *((name, f"OTEL_EVENTS_{name.upper()}") for name in OWN),
    *((name, f"OTEL_EXPORTER_OTLP_{name.removesuffix('_seconds').upper()}") for name in OTLP_ARGUMENTS),
    *zip(RESOURCE_ARGUMENTS, ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"), strict=True),
]
"""Each setting and its variable."""


CHOICES = {
    "signals": SIGNALS,
    "pipeline": PIPELINES,
    "actor": ACTOR_POLICIES,
    "personal": PERSONAL_POLICIES,
    "protocol": PROTOCOLS,
    "compression": COMPRESSIONS,
}


@pytest.mark.parametrize(("name", "variable"), VARIABLES)
def test_each_setting_has_a_line_with_its_values_default_and_an_example(name: str, variable: str) -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    [line] = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    _, argument, variable_cell, values, default, example, _ = re.split(r"\s*\|\s*", line)
    assert (argument, variable_cell) == (f"`{name}`", f"`{variable}`")
    for choice in CHOICES.get(name, ()):
        assert f"`{choice}`" in values
    assert default
    assert example
    if isinstance(OWN.get(name) and OWN[name].default, str):
        assert default == f"`{OWN[name].default}`"


def test_standard_variables_without_an_argument_are_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert "| – | `OTEL_SDK_DISABLED` |" in page


def test_no_text_speaks_of_a_setting_that_there_is_not() -> None:
    known = {f"OTEL_EVENTS_{name.upper()}" for name in OWN}
    misspelt_on_purpose = {"OTEL_EVENTS_SIGNAL"}
    pages = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.*"),
        *(ROOT / "otel_events").rglob("*.py"),
    ]
    for page in pages:
        if page.suffix in (".md", ".py", ".toml", ".yaml"):
            named = set(re.findall(r"OTEL_EVENTS_[A-Z][A-Z_]*", page.read_text(encoding="utf-8")))
            assert named <= known | misspelt_on_purpose, page


def examples() -> list[Path]:
    return sorted(
        path
        for path in (ROOT / "examples").iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name[0] != "_")
    )


@pytest.mark.parametrize("example", examples(), ids=lambda path: path.name)
def test_each_example_is_run_by_a_test(example: Path) -> None:
    tests = ROOT / "tests" / "examples" / f"test_{example.stem}.py"
    assert re.search(rf"""["']{example.stem}[."'/]""", tests.read_text(encoding="utf-8")) is not None


def test_the_changelog_begins_with_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (\S+)", changes, re.MULTILINE)
    assert first is not None
    assert first[1] == otel_events.__version__
