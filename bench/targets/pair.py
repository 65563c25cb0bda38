"""mqbroker as a pair: etcd and two nodes on this machine, over TLS, in sync; clients talk to the active one.

Owns the three processes. What a pair costs is its difference from one node in the same session; both nodes share this
machine's processors and its disk, which two machines would not.
"""

import base64
import hashlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench.driver.jobs import Endpoint
from bench.errors import TargetError
from bench.targets.base import PrivateDirectory, Promise, Replicated, free_ports
from bench.targets.mqbroker import Mqbroker
from bench.targets.process import BrokerProcess

IN_SYNC_SECONDS = 60.0
_POLL_SECONDS = 0.1
_ALONE_SECONDS = 4.0
"""A second more than pair.ack_timeout_ms."""
_CERTIFICATES = (
    "import pathlib, sys; from mqbroker.net.devcerts import generate_pair; generate_pair(pathlib.Path(sys.argv[1]))"
)
_NODE = """
[pair]
node = "{name}"
founds = {founds}
listen = "127.0.0.1:{link}"
health = "127.0.0.1:{health}"
certificate = "{place}/certificates/pair.pem"
key = "{place}/certificates/pair.key"
ca = "{place}/certificates/ca.pem"
election_urls = ["http://127.0.0.1:{store}"]

# RabbitMQ's own hash of "guest": ours takes a fifth of a second of a processor on purpose, for which the first log-in
# after a failover waits.
[[users]]
name = "guest"
password_hash = "{hash}"
tags = ["administrator"]

[[users.permissions]]
vhost = "/"
configure = ".*"
write = ".*"
read = ".*"
"""


class _Node:
    """One of the two: its ports, and how it is started again."""

    def __init__(self, name: str, ports: list[int], place: Path, store: int) -> None:
        self.amqp, self.link, self.health = ports
        self.settings = place / f"{name}.toml"
        self.log, self.data = place / f"{name}.log", place / name
        self.command: list[str] = []
        self.process: BrokerProcess | None = None
        founds = "true" if name == "a" else "false"
        self.settings.write_text(
            _NODE.format(
                name=name, founds=founds, link=self.link, health=self.health, place=place, store=store, hash=_hash()
            )
        )
        self.settings.chmod(0o600)

    def start(self) -> None:
        """Once more with the same data."""
        self.process = BrokerProcess(f"node {self.data.name}", self.command, self.log)

    def says(self, what: str) -> bool:
        """What it tells load balancers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/health/{what}", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class MqbrokerPair(Mqbroker, Replicated):
    """Two nodes of the mqbroker that `make run` builds, with AMQP."""

    protocols = ("amqp",)
    is_slow = True  # a quick look is at single nodes
    reference_for = ()

    def __init__(self, python: Path | None = None) -> None:
        super().__init__(python=python, name="mqbroker-pair")
        self._store: BrokerProcess | None = None
        self._nodes: list[_Node] = []

    def installed(self) -> bool:
        """It needs etcd (Debian: etcd-server)."""
        return shutil.which("etcd") is not None

    def start(self, promise: Promise) -> None:
        """Start all three; return once the standby is in sync."""
        self._directory = PrivateDirectory(self.name)
        try:
            self._start(self._directory.path, promise)
        except BaseException:
            self.stop()
            raise

    def _start(self, place: Path, promise: Promise) -> None:
        store, peer, *ports = free_ports(8)
        made = subprocess.run([str(self._python), "-P", "-c", _CERTIFICATES, str(place / "certificates")], check=False)
        if made.returncode:
            raise TargetError(f"{self._python} has an mqbroker without pairs")
        self._run_etcd(place, store, peer)
        self._nodes = [_Node("a", ports[:3], place, store), _Node("b", ports[3:], place, store)]
        for node in self._nodes:
            self.ports = {"amqp": node.amqp}
            node.command = [*self.command(node.data, promise), "--config", str(node.settings)]
            node.start()
            if node is self._nodes[0]:
                self._await(self._is_led, "does not start")
        self._await(self.is_whole, "is not in sync")

    def _run_etcd(self, place: Path, port: int, peer_port: int) -> None:
        url, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
        command = [
            "etcd", "--data-dir", str(place / "etcd"), "--listen-client-urls", url, "--advertise-client-urls", url,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
            "--log-level", "error",
        ]  # fmt: skip
        self._store = BrokerProcess("etcd", command, place / "etcd.log")
        self._store.await_port(port, self.start_seconds)

    def _await(self, is_so: Callable[[], bool], trouble: str) -> None:
        deadline = time.monotonic() + IN_SYNC_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise TargetError(f"{self.name} {trouble}: {self.last_words()}")
            time.sleep(_POLL_SECONDS)

    def _is_led(self) -> bool:
        return any(node.says("active") for node in self._nodes)

    def _active(self) -> _Node:
        return next((node for node in self._nodes if node.says("active")), self._nodes[0])

    # --- nodes that fail ----------------------------------------------------------------------------------------------

    def endpoints(self) -> list[Endpoint]:
        """The active node's first."""
        active = self._active()
        nodes = [active, *(node for node in self._nodes if node is not active)]
        return [Endpoint("amqp", "127.0.0.1", node.amqp) for node in nodes]

    def fail(self) -> None:
        """Kill the active node."""
        self._kill(self._active())

    def lose(self) -> None:
        """Kill the standby, and delete its copy of the journal."""
        active = self._active()
        lost = next(node for node in self._nodes if node is not active)
        self._kill(lost)
        shutil.rmtree(lost.data, ignore_errors=True)
        self._wait_alone(active)

    def _wait_alone(self, active: _Node) -> None:
        """Until nothing waits for the lost one any more (pair.ack_timeout_ms)."""
        time.sleep(_ALONE_SECONDS)
        assert active.says("active")

    def _kill(self, node: _Node) -> None:
        assert node.process is not None
        node.process.kill()
        node.process = None

    def start_lost(self) -> None:
        """As a supervisor does."""
        for node in self._nodes:
            if node.process is None:
                node.start()

    def is_whole(self) -> bool:
        """Whether one is active and the other one in sync."""
        return all(node.says("ready") for node in self._nodes) and self._is_led()

    def stop(self) -> None:
        """Stop all and delete their directory."""
        running = [node.process for node in self._nodes if node.process is not None]
        for process in [*running, *filter(None, [self._store])]:
            process.stop()
        self._nodes, self._store = [], None
        super().stop()

    def endpoint(self, protocol: str) -> Endpoint | None:
        """The active node's."""
        return self.endpoints()[0] if self._nodes and protocol == "amqp" else None

    def pids(self) -> list[int]:
        """Both nodes."""
        return [node.process.pid for node in self._nodes if node.process is not None]

    def last_words(self) -> str:
        """The last lines of each."""
        return " | ".join(node.process.log_tail() for node in self._nodes if node.process is not None)

    def version(self) -> str:
        """Also that there are two."""
        return f"{super().version()}, two nodes"


def _hash() -> str:
    """RabbitMQ's rabbit_password_hashing_sha256: a salt of four octets, then the digest of it and the password."""
    salt = bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + b"guest").digest()).decode()
