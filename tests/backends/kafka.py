"""Kafka as the tests use it: one node that is broker and controller, and what is in its topics."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.backends.process import Server, ServerError

# Any will do; a data folder and its broker must agree on it.
CLUSTER_ID = "b3RlbC1ldmVudHMtdGVzdA"
HEAP = ("-Xms512m", "-Xmx512m")
TOOL_HEAP = ("-Xms64m", "-Xmx256m")
# Warnings, and the one line that says that it is up.
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
TOOL_SECONDS = 60.0


class Kafka(Server):
    """Kafka in KRaft mode, with its data in the folder. Topics come into being when they are first used."""

    port_names = ("broker", "controller")
    start_seconds = 60.0

    def __init__(self, home: Path, folder: Path, properties: Mapping[str, object] | None = None) -> None:
        """Prepare a Kafka.

        Args:
            home: the folder with its `libs`.
            folder: where its log and data go; is created.
            properties: further server properties, such as `num.partitions`.
        """
        java = shutil.which("java")
        if java is None:
            raise ServerError("no `java` on PATH: install Java 17 or newer")
        super().__init__(Path(java), folder)
        self.data = folder / "data"
        self._libraries = home / "libs" / "*"  # which Java expands
        self._properties = dict(properties or {})

    @property
    def bootstrap(self) -> str:
        """The value for a client's `bootstrap.servers`, or the Collector's `brokers`."""
        return self.address("broker")

    def topics(self, *arguments: str) -> str:
        """Return what `kafka-topics` prints.

        Args:
            arguments: such as `--create --topic NAME --partitions 4`.

        Raises:
            ServerError: it fails; the text has its output.
        """
        return self._tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.bootstrap, *arguments)

    def groups(self, *arguments: str) -> str:
        """Return what `kafka-consumer-groups` prints.

        Args:
            arguments: such as `--describe --group NAME`.

        Raises:
            ServerError: it fails; the text has its output.
        """
        command = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
        return self._tool(command, "--bootstrap-server", self.bootstrap, *arguments)

    def command(self) -> Sequence[str | Path]:
        properties = self.folder / "server.properties"
        lines = [f"{name}={value}" for name, value in {**self._defaults(), **self._properties}.items()]
        properties.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if not (self.data / "meta.properties").exists():
            self._tool("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
        return [*self._java(*HEAP), "kafka.Kafka", properties]

    def healthy(self) -> bool:
        # It listens before it is a broker; its log says when it is.
        return "Kafka Server started" in self.log()

    def _defaults(self) -> Mapping[str, object]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{self.address('broker')},CONTROLLER://{self.address('controller')}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@{self.address('controller')}",
            "log.dirs": self.data,
            # One node keeps one copy of everything, its own topics too.
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # A broker that was killed may come back after this time, by default only after nine seconds.
            "broker.session.timeout.ms": 2_000,
            "broker.heartbeat.interval.ms": 500,
            # The default waits three seconds for further members before a group's first assignment.
            "group.initial.rebalance.delay.ms": 0,
        }

    def _java(self, *options: str) -> list[str]:
        return [str(self.binary), *options, *LOGGING, "-cp", str(self._libraries)]

    def _tool(self, *command: str) -> str:
        process = subprocess.run(
            [*self._java(*TOOL_HEAP), *command], capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
        )
        if process.returncode != 0:
            raise ServerError(f"{' '.join(command)} failed: {(process.stdout + process.stderr)[-2_000:]}")
        return process.stdout
