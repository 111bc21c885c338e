"""vmalert as the tests use it: evaluates rules on VictoriaLogs, or on Prometheus, and sends their alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.backends.process import Server, fetch
from tests.backends.prometheus import Alert, alerts_of


class VMAlert(Server):
    """vmalert. Rules are read as LogsQL where their group says `type: vlogs`."""

    port_names = ("http",)

    def __init__(
        self,
        binary: Path,
        folder: Path,
        rules: Sequence[Path],
        datasource_url: str,
        notifier_url: str,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """Prepare a vmalert.

        Args:
            binary: the program.
            folder: where its log goes; is created.
            rules: files with rules.
            datasource_url: where it asks, such as `VictoriaLogs.url`.
            notifier_url: where it sends alerts, such as `Alertmanager.url`.
            environment: further variables; rule files may use them as `%{NAME}`.
            arguments: further command-line flags.
        """
        super().__init__(binary, folder)
        self._rules = [path.resolve() for path in rules]
        self._urls = (datasource_url, notifier_url)
        self._environment = dict(environment or {})
        self._arguments = list(arguments)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address('http')}"

    def alerts(self) -> list[Alert]:
        """Return the alerts that are pending or firing."""
        return alerts_of(fetch(f"{self.url}/api/v1/alerts"))

    def command(self) -> Sequence[str | Path]:
        datasource, notifier = self._urls
        return [
            self.binary,
            *(f"-rule={path}" for path in self._rules),
            f"-datasource.url={datasource}",
            f"-notifier.url={notifier}",
            f"-httpListenAddr={self.address('http')}",
            *self._arguments,
        ]

    def environment(self) -> Mapping[str, str]:
        return self._environment

    def health_url(self) -> str:
        return f"{self.url}/health"
