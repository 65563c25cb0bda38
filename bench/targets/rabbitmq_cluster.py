"""RabbitMQ as a cluster of three nodes on this machine, whose quorum queues have a member on each.

Owns how they find each other. Every promise is kept by a quorum queue: it is what RabbitMQ replicates.
"""

import shutil
import subprocess
from pathlib import Path

from pamqp.common import FieldTable

from bench.driver.jobs import Endpoint
from bench.errors import TargetError
from bench.targets.base import PrivateDirectory, Promise, Replicated, free_ports
from bench.targets.process import BrokerProcess
from bench.targets.rabbitmq import SCRIPT, START_SECONDS, RabbitMQ

NODES = 3
_CONTROL = SCRIPT.with_name("rabbitmqctl")
_CONTROL_SECONDS = 60.0


class _Member(RabbitMQ):
    """One node. The port mapper and the cookie are those of the cluster."""

    def __init__(self, number: int, names: list[str], epmd: int, home: Path) -> None:
        super().__init__()
        self._name, self._names, self._home = names[number], names, home
        self._place = home.parent / str(number)
        self._ports = {"epmd": epmd, **dict(zip(("amqp", "distribution"), free_ports(2), strict=True))}
        self._place.mkdir()
        self._write_settings(self._place)

    def run(self) -> None:
        """Start it, once more with its data if it has some; it listens once it has found the others."""
        output = self._place / "output.log"
        self._processes = [BrokerProcess(self._name, [str(SCRIPT)], output, self._environment(self._place))]

    def await_serving(self) -> None:
        """Return once it listens."""
        self._processes[0].await_port(self._ports["amqp"], START_SECONDS)

    def kill(self) -> None:
        """End it at once."""
        self._processes.pop().kill()

    def lose(self) -> None:
        """Delete what it has."""
        shutil.rmtree(self._place / "data")

    @property
    def is_running(self) -> bool:
        """Whether it was not killed."""
        return bool(self._processes)

    def sees_all(self) -> bool:
        """Whether all nodes are there, as it says."""
        environment = self._environment(self._place)
        command = [str(_CONTROL), "--quiet", "-n", self._name, "await_online_nodes", str(NODES), "--timeout", "10"]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0

    def _write_settings(self, place: Path) -> None:
        (place / "plugins").write_text("[].")
        key = "cluster_formation.classic_config.nodes"
        nodes = "".join(f"{key}.{at} = {name}\n" for at, name in enumerate(self._names, 1))
        (place / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._ports['amqp']}\n"
            "log.console = false\n"
            "log.file.level = warning\n"
            "vm_memory_high_watermark.relative = 0.25\n"
            "cluster_formation.peer_discovery_backend = classic_config\n" + nodes
        )

    def _environment(self, place: Path) -> dict[str, str]:
        return super()._environment(place) | {"RABBITMQ_NODENAME": self._name, "HOME": str(self._home)}

    def pids(self) -> list[int]:
        """The Erlang machine."""
        return [process.pid for process in self._processes]

    def last_words(self) -> str:
        """The last lines of its output."""
        return self._processes[0].log_tail() if self._processes else ""


class RabbitMQCluster(Replicated):
    """Three nodes. A queue is led by the node that it is declared on."""

    name = "rabbitmq-cluster"
    title = "RabbitMQ, 3 nodes"
    is_slow = True  # it takes half a minute to start
    lacks = frozenset({"scale"})

    def __init__(self) -> None:
        self._directory: PrivateDirectory | None = None
        self._mapper: BrokerProcess | None = None
        self._members: list[_Member] = []

    def start(self, promise: Promise) -> None:
        """Start all; about half a minute."""
        if not self.installed():
            raise TargetError("RabbitMQ is not installed: apt-get install rabbitmq-server")
        self._directory = PrivateDirectory(self.name)
        try:
            self._start(self._directory.path)
        except BaseException:
            self.stop()
            raise

    def _start(self, place: Path) -> None:
        home, (epmd,) = place / "home", free_ports(1)
        home.mkdir()
        cookie = home / ".erlang.cookie"
        cookie.write_text("BENCHBENCHBENCHBENCH")
        cookie.chmod(0o400)
        self._mapper = BrokerProcess("epmd", ["epmd", "-port", str(epmd), "-address", "127.0.0.1"], place / "epmd.log")
        self._mapper.await_port(epmd, START_SECONDS)
        names = [f"bench{epmd}-{number}@localhost" for number in range(NODES)]
        self._members = [_Member(number, names, epmd, home) for number in range(NODES)]
        for member in self._members:
            member.run()
        for member in self._members:
            member.await_serving()
        if not self._members[0].sees_all():
            raise TargetError(f"the nodes do not find each other: {self.last_words()}")

    def stop(self) -> None:
        """Stop the nodes, then their port mapper."""
        for member in self._members:
            member.stop()
        self._members = []
        if self._mapper is not None:
            self._mapper.stop()
            self._mapper = None
        if self._directory is not None:
            self._directory.remove()
            self._directory = None

    # --- nodes that fail ----------------------------------------------------------------------------------------------

    def endpoints(self) -> list[Endpoint]:
        """Those that run first."""
        members = sorted(self._members, key=lambda each: not each.is_running)
        return [each for each in (member.endpoint("amqp") for member in members) if each is not None]

    def fail(self) -> None:
        """Kill the first of them, on which a queue is declared."""
        self._members[0].kill()

    def lose(self) -> None:
        """Kill the last of them, and delete what it has."""
        self._members[-1].kill()
        self._members[-1].lose()

    def start_lost(self) -> None:
        """As a supervisor does."""
        for member in self._members:
            if not member.is_running:
                member.run()

    def is_whole(self) -> bool:
        """Whether all nodes are there; their queues may still be catching up."""
        return all(member.is_running for member in self._members) and self._members[0].sees_all()

    # --- a target -----------------------------------------------------------------------------------------------------

    def endpoint(self, protocol: str) -> Endpoint | None:
        """AMQP of the first node."""
        return self._members[0].endpoint(protocol) if self._members and protocol == "amqp" else None

    def pids(self) -> list[int]:
        """All nodes."""
        return [pid for member in self._members for pid in member.pids()]

    def version(self) -> str:
        """Also that there are three."""
        return f"{RabbitMQ().version()}, {NODES} nodes"

    def last_words(self) -> str:
        """The last lines of each."""
        return " | ".join(filter(None, (member.last_words() for member in self._members)))

    def installed(self) -> bool:
        """Whether the package is there."""
        return SCRIPT.exists()

    def mode(self, promise: Promise) -> str:
        """One cluster is enough."""
        return "any"

    def queue_arguments(self, promise: Promise) -> FieldTable:
        """The queues that it replicates."""
        return {"x-queue-type": "quorum"}

    def durability(self, promise: Promise) -> str:
        """The kind of queue."""
        return f"quorum, {NODES} members"
