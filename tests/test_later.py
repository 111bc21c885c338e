"""Names that the package loads late are found, typed, shown, pickled and misspelt as if it had loaded them at once."""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys
from datetime import datetime, timezone

import pytest

import otel_events
from otel_events.later import HOMES, load, names


def python(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def names_for_type_checkers() -> dict[str, str]:
    """Return the names that the package imports for type checkers only, each with its module."""
    [only_then] = [node for node in ast.parse(inspect.getsource(otel_events)).body if isinstance(node, ast.If)]
    return {
        alias.name: str(node.module)
        for node in only_then.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_see_the_same_names_in_the_same_places() -> None:
    assert names_for_type_checkers() == HOMES


def test_a_name_that_does_not_exist_is_an_error_for_type_checkers_too() -> None:
    with pytest.raises(AttributeError):
        otel_events.nothing  # type: ignore[attr-defined] # noqa: B018 # mypy says so where the comment is not needed


@pytest.mark.parametrize("name", HOMES)
def test_each_is_what_its_module_has(name: str) -> None:
    assert load(name) is getattr(otel_events, name) is getattr(importlib.import_module(HOMES[name]), name)


@pytest.mark.parametrize("asking", ["from otel_events import {0}", "{0} = otel_events.{0}"])
def test_each_is_found_in_a_fresh_process_and_then_kept(asking: str) -> None:
    lines = ["import otel_events"]
    for name in HOMES:
        lines += [asking.format(name), f"assert {name} is vars(otel_events)[{name!r}]"]
    assert python("\n".join([*lines, "print('kept')"])) == "kept"


def test_star_imports_bring_them() -> None:
    script = "from otel_events import *; import otel_events; print(set(otel_events.__all__) - set(vars()))"
    assert python(script) == "set()"


def test_they_are_listed_before_they_are_loaded() -> None:
    script = "import otel_events; print(set(otel_events.__all__) - set(dir(otel_events)), 'Login' in vars(otel_events))"
    assert python(script) == "set() False"
    assert set(HOMES) <= set(otel_events.__all__) <= set(names())


def test_a_name_that_is_misspelt_is_refused_as_python_refuses_it() -> None:
    with pytest.raises(AttributeError, match="module 'otel_events' has no attribute 'Logn'") as caught:
        load("Logn")
    assert (caught.value.name, caught.value.obj) == ("Logn", otel_events)
    with pytest.raises(ImportError, match="cannot import name 'Logn' from 'otel_events'"):
        from otel_events import Logn  # type: ignore[attr-defined] # noqa: F401


def test_modules_of_these_names_are_imported_from_the_package_as_ever() -> None:
    assert python("from otel_events import builtin, settings; print(builtin.Login.name, settings.OWN is not None)") == (
        "login True"
    )


def test_what_was_loaded_is_shown_and_pickled_under_its_module() -> None:
    login = otel_events.Login(created=datetime(2026, 1, 2, tzinfo=timezone.utc))

    assert pickle.loads(pickle.dumps(login)) == login
    assert pickle.loads(pickle.dumps(otel_events.Settings)) is otel_events.Settings
    assert repr(otel_events.Login) == "<class 'otel_events.builtin.Login'>"
    assert "A user, who is the actor, signed in." in pydoc.render_doc(otel_events.Login)
    assert "def to_log_record" in inspect.getsource(otel_events.to_log_record)


def test_a_pickle_is_read_in_a_process_that_has_loaded_nothing_yet() -> None:
    data = pickle.dumps(otel_events.Logout(actor="alice"))
    assert python(f"import pickle; print(pickle.loads({data!r}).actor)") == "{'id': 'alice'}"


def test_threads_that_ask_at_once_get_the_same() -> None:
    script = """
import threading, otel_events
barrier, found = threading.Barrier(8), []
def ask():
    barrier.wait()
    found.append((otel_events.Login, otel_events.to_log_record, otel_events.Settings))
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len(set(found)))
"""
    assert python(script) == "8 1"
