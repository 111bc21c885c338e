"""`import otel_events` loads what defines and tracks events, and nothing that only a tracker which is set up needs."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

ROOMS = {
    "application",
    "configure",
    "context",
    "counts",
    "definition",
    "event",
    "exceptions",
    "flushing",
    "hookspecs",
    "later",
    "outcome",
    "privacy",
    "registry",
    "semconv",
    "stamp",
    "tracking",
    "unexported",
    "version",
}
"""Of the package itself, with all that is in them. Whoever adds one looks at what ``benchmarks/imports.py`` says of it."""

SLOW = (
    "asyncio",
    "base64",
    "concurrent",
    "decimal",
    "difflib",
    "email",
    "fnmatch",
    "hashlib",
    "hmac",
    "http",
    "importlib.metadata",
    "ipaddress",
    "json",
    "multiprocessing",
    "numbers",
    "pathlib",
    "random",
    "secrets",
    "selectors",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "urllib",
    "urllib3",
    "zipfile",
    "zlib",
)
"""Of the standard library and others, what takes long to load and is not needed yet."""

NEEDED = "import sys, pluggy, opentelemetry.trace, opentelemetry._logs; before = set(sys.modules); "


def loaded_by(statements: str) -> set[str]:
    """Return the modules that a fresh interpreter loads by some statements, beyond those of pluggy and the API."""
    script = f"{NEEDED}{statements}; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    modules: list[str] = ast.literal_eval(done.stdout)
    return set(modules)


def rooms_in(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("otel_events.")}


def slow_in(modules: set[str]) -> set[str]:
    return {name for name in modules if any(name == slow or name.startswith(f"{slow}.") for slow in SLOW)}


@pytest.mark.parametrize(
    "statements",
    [
        "import otel_events",
        "from otel_events import Event, Personal, EventTracker, configure, hookimpl, Receipt, Stamp, SettingsError",
        "import otel_events; dir(otel_events)",
        "import otel_events; hasattr(otel_events, '__path__'), hasattr(otel_events, 'nothing')",
    ],
)
def test_the_import_loads_nothing_that_is_not_needed_yet(statements: str) -> None:
    loaded = loaded_by(statements)

    assert rooms_in(loaded) == ROOMS
    assert slow_in(loaded) == set()


def test_an_event_that_is_defined_and_tracked_without_a_listener_loads_nothing_more() -> None:
    script = """
import otel_events, dataclasses, typing
@dataclasses.dataclass
class Placed(otel_events.Event):
    name = "placed"
    who: typing.Annotated[str, otel_events.Personal()]
tracker = otel_events.EventTracker([Placed])
tracker.track(Placed("alice"))
tracker.flush()
"""
    loaded = loaded_by(f"exec({script!r}, {{'__name__': '__main__'}})")

    assert rooms_in(loaded) == ROOMS
    assert slow_in(loaded) == set()


def test_setting_up_loads_what_the_first_event_of_every_pipeline_needs() -> None:
    """The first event waits for its pipeline's libraries, and for nothing else."""
    loaded = loaded_by("import otel_events; otel_events.configure(environ={})")

    assert {"settings", "listener", "conversion", "chosen"} <= rooms_in(loaded)
    assert not {"direct", "sdk", "builtin"} & rooms_in(loaded)
