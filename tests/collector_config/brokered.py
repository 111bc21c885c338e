"""The way with Kafka in it, as the tests start it: agent, topics, gateways, and a Collector that reads a topic as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otel_events.verification.record import place_of
from tests.backends.kafka import Kafka
from tests.backends.servers import COLLECTOR_YAML, Collector
from tests.collector_config.node import CONFIG, OneNode

PARTITIONS = 4
# As agent.yaml asks for.
MAX_MESSAGE_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Topics:
    """Topics of a test's own in a Kafka.

    Attributes:
        kafka: where they are.
        name: what their names begin with, and those of the groups that read them.
    """

    kafka: Kafka
    name: str

    def create(self, signals: Sequence[str] = ("logs",), partitions: int = PARTITIONS) -> None:
        """Make the topics of some signals."""
        size = f"max.message.bytes={MAX_MESSAGE_BYTES}"
        for signal in signals:
            topic = f"{self.name}-{signal}"
            self.kafka.topics("--create", "--topic", topic, "--partitions", str(partitions), "--config", size)

    @property
    def environment(self) -> Mapping[str, str]:
        """What agent.yaml and gateway.yaml find them with."""
        return {
            "KAFKA_BROKERS": self.kafka.bootstrap,
            **{f"KAFKA_{signal}_TOPIC": f"{self.name}-{signal.lower()}" for signal in ("LOGS", "TRACES", "METRICS")},
            **{f"KAFKA_{signal}_GROUP": f"{self.name}-{signal.lower()}" for signal in ("LOGS", "TRACES", "METRICS")},
        }

    def readers(self) -> int:
        """Return how many gateways have partitions of the logs."""
        lines = self.kafka.groups("--describe", "--members", "--group", f"{self.name}-logs").splitlines()
        # The last column of a member is the number of its partitions.
        counts = [line.split()[-1] for line in lines if line.startswith(f"{self.name}-logs")]
        return sum(count.isdecimal() and int(count) > 0 for count in counts)

    def lag(self) -> int:
        """Return how many messages of the logs the gateways have not committed."""
        lines = self.kafka.groups("--describe", "--group", f"{self.name}-logs").splitlines()
        table = [line.split() for line in lines if f"{self.name}-logs" in line]
        # Group, topic, partition, committed offset ("-" for none), last offset, lag.
        return sum(int(row[4]) - (0 if row[3] == "-" else int(row[3])) for row in table if row[2].isdecimal())


class Agent(OneNode):
    """The Collector with agent.yaml, and with what a test lays over it."""

    def __init__(
        self, binary: Path, folder: Path, topics: Topics, over: Sequence[Path | Mapping[str, object]] = ()
    ) -> None:
        """Prepare it.

        Args:
            binary: the program.
            folder: where its log and its queues go; is created.
            topics: where it sends to.
            over: configurations to lay over agent.yaml.
        """
        Collector.__init__(self, binary, folder, [CONFIG / "agent.yaml", *over], topics.environment)


class Gateway(OneNode):
    """The Collector with gateway.yaml over collector.yaml."""

    def __init__(self, binary: Path, folder: Path, topics: Topics, backends: Mapping[str, str]) -> None:
        """Prepare it.

        Args:
            binary: the program.
            folder: where its log goes; is created.
            topics: what it reads.
            backends: the variables that say where the backends are.
        """
        super().__init__(binary, folder, {**topics.environment, **backends}, [CONFIG / "gateway.yaml"])


class Reader(Collector):
    """A Collector that writes what is in a topic to its file, each record with its partition."""

    def __init__(self, binary: Path, folder: Path, topics: Topics) -> None:
        """Prepare it.

        Args:
            binary: the program.
            folder: where its files go; is created.
            topics: what it reads.
        """
        source = {
            "brokers": [topics.kafka.bootstrap],
            "group_id": f"{topics.name}-reader",
            "initial_offset": "earliest",
            "logs": {"topics": [f"{topics.name}-logs"]},
        }
        partition = {"key": "partition", "action": "upsert", "from_context": "metadata.kafka.partition"}
        over = {
            "receivers": {"kafka": source},
            "processors": {"attributes": {"actions": [partition]}},
            "service": {"pipelines": {"logs": {"receivers": ["kafka"], "processors": ["attributes"]}}},
        }
        super().__init__(binary, folder, [COLLECTOR_YAML, over])

    def streams(self, service: str) -> dict[str, list[tuple[str, int]]]:
        """Return the events of a service by stream, in their order: the partition, and the number in the stream, of each."""
        found = defaultdict(list)
        for record in self.log_records(service):
            if place := place_of(record.attributes.get("log.record.uid", "")):
                stream, number = place
                found[stream].append((str(record.attributes["partition"]), number))
        return dict(found)
