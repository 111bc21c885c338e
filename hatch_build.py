"""Compiles the extension modules when a wheel is built or the checkout is installed.

Without a C compiler there are none: what they do is then done in Python.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension

SOURCES = (
    "otel_events/stamps.c",
    *(f"otel_events/direct/{name}.c" for name in ("intake", "receipt", "ring", "way")),
    "otel_events/direct/journal/pairs.c",
    "otel_events/receiver/fast.c",
)


class Compile(BuildHookInterface):
    """Puts each module beside its source, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile."""
        if self.target_name != "wheel":
            return
        extensions = [Extension(source[:-2].replace("/", "."), [source], optional=True) for source in SOURCES]
        with tempfile.TemporaryDirectory() as folder:
            command = Distribution({"name": "otel-events", "ext_modules": extensions}).get_command_obj("build_ext")
            command.inplace = True
            command.build_temp = folder
            command.ensure_finalized()
            modules = [Path(command.get_ext_fullpath(extension.name)) for extension in extensions]
            for module in modules:
                module.unlink(missing_ok=True)  # An older one, if this one cannot be built, would not fit.
            command.run()
        if built := [module for module in modules if module.exists()]:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["force_include"].update({str(module): str(module.relative_to(self.root)) for module in built})
        if len(built) < len(SOURCES):
            self.app.display_warning(
                "Not all extension modules could be compiled; what they do will be done in Python."
            )
