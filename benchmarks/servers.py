"""The receiving ends: the Collector of the tests, and a Datasette that takes rows."""

from __future__ import annotations

import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.backends.binaries import COLLECTOR
from tests.backends.process import Server
from tests.backends.servers import COLLECTOR_YAML, Collector

PROTO_YAML = Path(__file__).with_name("collector.yaml")

LEAN: Final = {"GOGC": "400"}
"""Go collects garbage a quarter as often: with a heap as small as this one, that is most of what the Collector would do."""


def make_collector(folder: Path) -> Collector:
    """Return the Collector of the benchmarks, not yet started.

    Args:
        folder: For its log and for what arrives.
    """
    return Collector(COLLECTOR.path, folder, [COLLECTOR_YAML, PROTO_YAML], environment=LEAN)


class ReceivingDatasette(Server):
    """A Datasette into whose table ``datasette_events`` rows may be inserted by the holder of its token.

    Args:
        folder: For its log and its database.
    """

    port_names = ("http",)

    def __init__(self, folder: Path) -> None:
        super().__init__(Path(sys.executable), folder)
        self.database = folder / "data.db"
        self._secret = secrets.token_hex(16)

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{self.address('http')}"

    def start(self) -> None:
        """Make the table, and start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.database)) as connection:
            columns = "id text primary key, instance, event, created, actor_id, database_name, table_name, properties"
            connection.execute(f"create table if not exists datasette_events ({columns})")
        super().start()

    def token(self) -> str:
        """Return what a sender has to show."""
        command = [sys.executable, "-m", "datasette", "create-token", "root"]
        command += ["--secret", self._secret]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=dict(self.environment()))
        return done.stdout.strip()

    def command(self) -> Sequence[str | Path]:
        """Return the command line."""
        port = str(self.ports["http"])
        return [
            self.binary,
            "-m",
            "datasette",
            "serve",
            self.database,
            "--port",
            port,
            "--secret",
            self._secret,
            "--root",
        ]

    def environment(self) -> Mapping[str, str]:
        """Return the environment: no plugins, for they would track the rows that arrive."""
        return {"DATASETTE_LOAD_PLUGINS": ""}

    def health_url(self) -> str:
        """Return what answers 200 once it is ready."""
        return f"{self.endpoint}/-/versions.json"
