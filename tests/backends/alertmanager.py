"""Alertmanager as the tests use it: it takes alerts, groups and routes them; ask which it has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.backends.process import Server, fetch
from tests.backends.prometheus import Alert, config_file


class Alertmanager(Server):
    """Alertmanager on its own, with its data in the folder."""

    port_names = ("http",)

    def __init__(self, binary: Path, folder: Path, config: Path | Mapping[str, object]) -> None:
        """Prepare an Alertmanager.

        Args:
            binary: the program.
            folder: where its log and data go; is created.
            config: its configuration; paths in a file are relative to that file, in a mapping to `folder`.
        """
        super().__init__(binary, folder)
        self._config = config

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address('http')}"

    def alerts(self) -> list[Alert]:
        """Return the alerts that are not resolved, silenced and inhibited ones too."""
        found = json.loads(fetch(f"{self.url}/api/v2/alerts"))
        return [Alert(alert["labels"], alert["annotations"], alert["status"]["state"]) for alert in found]

    def command(self) -> Sequence[str | Path]:
        return [
            self.binary,
            f"--config.file={config_file(self._config, self.folder / 'alertmanager.yaml')}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={self.address('http')}",
            # Empty: it looks for no others of its kind.
            "--cluster.listen-address=",
        ]

    def health_url(self) -> str:
        return f"{self.url}/-/ready"
