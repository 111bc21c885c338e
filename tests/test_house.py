"""The house stays as it is described: who imports whom, what is exported and explained, how long modules are, what tests them."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import otel_events
from tests.loaded import LOADED

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "otel_events"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 300

ORDER = (
    "exceptions", "version", "later", "semconv", "counts", "at_exit", "unexported",
    "privacy", "context", "event", "builtin",
    "definition", "registry",
    "settings", "scrub", "diagnosis", "stamp", "outcome", "application",
    "conversion",
    "sdk",
    "direct",
    "hookspecs", "tracking", "flushing", "listener", "joined", "routed", "chosen",
    "configure",
    "shown", "testing", "pytest_plugin", "integrations",
    "receiver",
    "page",
    "verification",
    "doctor",
    "cli", "__main__",
)  # fmt: skip
"""Modules and packages of otel_events; each imports only from those before it."""

EXPORTED = [
    "BUILTIN_EVENTS", "AlterTable", "Attribute", "CreateTable", "CreateToken", "DeleteRow", "DeliveryError", "DropTable",
    "Event",
    "EventDefinitionError", "EventTracker", "InsertRows", "JournalError", "LogRecord", "Login", "LoginFailed", "Logout",
    "OTelEventsError",
    "OTelListener", "Outcome", "PermissionDenied", "Personal", "PluginError", "Policy", "Receipt", "ReceiverError",
    "RenameTable", "Secret", "Settings", "SettingsError", "SpanEvent", "Stamp", "Unit", "UnregisteredEventError", "UpdateRow",
    "UpsertRows", "__version__", "actor", "configure", "current_actor", "current_request", "flush_on_return", "hookimpl",
    "make_listener", "request", "set_actor", "to_log_record", "to_span_event",
]  # fmt: skip

TESTED_ELSEWHERE = {
    "__main__.py": "one line that calls cli/main.py; run by tests/cli/test_main.py",
    "tracking/calls.py": "what it does is what the tracker does: tests/tracking/test_tracker.py",
    "cli/live.py": "shows what a receiver gets: tests/cli/test_view.py",
    "cli/stopping.py": "needs a process to send signals to: tests/cli/test_view.py and tests/cli/test_demo.py",
    "receiver/intake.py": "between the ports and the store: tests/receiver/test_http.py and test_grpc.py",
    "receiver/rows.py": "the rows of the store: tests/receiver/test_store.py and test_decode.py",
    "receiver/signals.py": "what both ports know of a signal: tests/receiver/test_http.py and test_grpc.py",
    "at_exit.py": "needs processes that end: tests/sdk/test_pipeline.py and tests/direct/test_pipeline.py",
    "direct/thread.py": "needs processes whose threads are greenlets: tests/direct/test_gevent.py",
    "settings/greenlets.py": "likewise: tests/direct/test_gevent.py",
    "direct/batch.py": "protocols without code",
    "direct/journal/batch.py": "what an exporter has of a queue: tests/direct/journal/test_queue.py",
    "direct/journal/entries.py": "what is put into a queue: tests/direct/journal/test_queue.py",
    "direct/journal/orphans.py": "adopted by a queue: tests/direct/journal/test_queue.py",
    "direct/journal/confirms.py": "receipts of events in a queue: tests/direct/journal/test_queue.py",
    "page/questions.py": "between the API and the database: tests/page/test_api.py",
    "cli/sending.py": "said by a running command: tests/cli/test_view.py",
    "direct/envelope.py": "what stands around encoded records: tests/direct/test_encoder.py",
    "exceptions.py": "classes without code; each is raised in the test of what raises it",
    "version.py": "one constant, which the wheel below carries",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """Return the module or package of ORDER that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported_by(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imports_of(path) if name.startswith("otel_events.")}
    return names & {room_of(module) for module in MODULES}


# -- imports -------------------------------------------------------------------------------------------------------------


def test_the_order_names_every_room() -> None:
    assert {room_of(path) for path in MODULES} - {"__init__"} == set(ORDER)
    assert len(set(ORDER)) == len(ORDER)


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) != "__init__"], ids=name_of)
def test_each_module_imports_only_from_those_above_it(path: Path) -> None:
    room = room_of(path)
    above = ORDER[: ORDER.index(room)]
    assert rooms_imported_by(path) - {room} <= set(above)


def test_the_package_itself_imports_nothing_that_is_only_for_some() -> None:
    some = {"sdk", "direct", "testing", "pytest_plugin", "integrations", "receiver", "page", "cli", "__main__"}
    assert not rooms_imported_by(PACKAGE / "__init__.py") & some


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_room_sdk_imports_the_sdk_and_its_exporters(path: Path) -> None:
    prefixes = ("opentelemetry.sdk", "opentelemetry.exporter")
    assert room_of(path) == "sdk" or not [name for name in imports_of(path) if name.startswith(prefixes)]


def test_the_two_pipelines_do_not_know_each_other() -> None:
    for path in MODULES:
        other = {"sdk": "direct", "direct": "sdk"}.get(room_of(path))
        assert other not in rooms_imported_by(path)


def test_the_receiver_does_not_know_who_sends() -> None:
    for path in MODULES:
        if room_of(path) == "receiver":
            assert rooms_imported_by(path) <= {"receiver", "exceptions", "semconv", "version"}


def python(script: str, *options: str) -> str:
    done = subprocess.run([sys.executable, *options, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module",
    ["otel_events", "otel_events.integrations.asgi", "otel_events.integrations.wsgi", "otel_events.cli.main"],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    before = python(LOADED)
    assert python(f"import {module}; {LOADED}") == before == "[]"


def test_setting_up_loads_the_sdk_only_where_there_is_a_listener() -> None:
    script = "import otel_events; otel_events.configure(environ={'OTEL_SDK_DISABLED': 'true'}).shutdown(); "
    assert python(script + LOADED) == "[]"


# -- names and texts -------------------------------------------------------------------------------------------------------


def test_the_exported_names_are_these() -> None:
    assert otel_events.__all__ == EXPORTED
    for name in EXPORTED:
        assert getattr(otel_events, name) is not None
    public = {
        name for name, value in vars(otel_events).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public - set(EXPORTED) == {"TYPE_CHECKING", "VERSION", "annotations"}  # the latter comes from __future__


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages([str(PACKAGE)], "otel_events."):
        if found.name != "otel_events.__main__":
            yield sys.modules.get(found.name) or importlib.import_module(found.name)


def public_things() -> Iterator[tuple[str, Any]]:
    """Yield everything public that the package defines, methods included, by its full name."""
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value
            if inspect.isclass(value):
                for inner, member in vars(value).items():
                    member = getattr(member, "__func__", member)
                    if not inner.startswith("_") and inspect.isfunction(member):
                        yield f"{module.__name__}.{name}.{inner}", member


def test_everything_public_has_a_docstring() -> None:
    without = [
        name
        for name, value in public_things()
        if not (value.__doc__ or "").strip()
        or (inspect.isclass(value) and str(value.__doc__).startswith(f"{value.__name__}("))
    ]
    assert without == []
    assert [module.__name__ for module in modules() if not (module.__doc__ or "").strip()] == []


def test_the_arguments_of_what_is_exported_are_documented() -> None:
    """Each is listed under Args, or named in the text in double backticks."""
    undocumented = []
    for name in sorted(set(EXPORTED) - {"__version__", "hookimpl", "BUILTIN_EVENTS"}):
        value = getattr(otel_events, name)
        functions = {name: value}
        if inspect.isclass(value):
            functions |= {
                f"{name}.{inner}": getattr(member, "__func__", member)
                for inner, member in vars(value).items()
                if not inner.startswith("_") and inspect.isfunction(getattr(member, "__func__", member))
            }
        for label, function in functions.items():
            text = inspect.getdoc(function) or ""
            if "Arguments as in ``" in text:
                continue
            if inspect.isclass(function) and issubclass(function, (BaseException, otel_events.Event)):
                continue
            for parameter in inspect.signature(function).parameters:
                found = re.search(rf"^\s+{parameter}: |``{parameter}``", text, re.MULTILINE)
                if parameter not in ("self", "cls", "args", "kwargs") and found is None:
                    undocumented += [f"{label}({parameter})"]
    assert undocumented == []


def test_no_module_is_longer_than_fits_one_head() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of)
def test_an_init_holds_imports_and_names(path: Path) -> None:
    docstring, *body = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    # What type checkers see at once, and Python later.
    body = [inner for node in body for inner in ((*node.body, *node.orelse) if isinstance(node, ast.If) else (node,))]
    for node in body:
        names = [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]
        assert isinstance(node, (ast.Import, ast.ImportFrom)) or names in (["__all__"], ["__version__"]), ast.unparse(
            node
        )


@pytest.mark.parametrize("path", [path for path in MODULES if path.name != "__init__.py"], ids=name_of)
def test_each_module_has_tests_beside_its_mirror_image(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    mirrored = ROOT / "tests" / relative.parent / f"test_{relative.name}"
    assert mirrored.exists() != (name_of(path) in TESTED_ELSEWHERE)


def test_every_test_module_says_what_it_shows() -> None:
    for path in (ROOT / "tests").rglob("test_*.py"):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert docstring.partition("\n")[0].rstrip().endswith((".", ":")), path


def test_nothing_is_left_to_do() -> None:
    word = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]))
    for path in [
        *MODULES,
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.py"),
    ]:
        assert word.search(path.read_text(encoding="utf-8")) is None, path
