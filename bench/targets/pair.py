"""mqbroker as a pair: etcd and two nodes on this machine, over TLS, in sync; clients talk to the active one.

Owns the three processes. What a pair costs is its difference from one node in the same session; both nodes share this
machine's processors and its disk, which two machines would not.
"""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import PrivateDirectory, Promise, free_ports
from bench.targets.mqbroker import Mqbroker
from bench.targets.process import BrokerProcess

IN_SYNC_SECONDS = 60.0
_POLL_SECONDS = 0.1
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
"""


class MqbrokerPair(Mqbroker):
    """Two nodes of the mqbroker that `make run` builds, with AMQP."""

    protocols = ("amqp",)
    is_slow = True  # a quick look is at single nodes
    reference_for = ()

    def __init__(self, python: Path | None = None) -> None:
        super().__init__(python=python, name="mqbroker-pair")
        self._processes: list[BrokerProcess] = []

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
        for name, (amqp, link, health) in {"a": ports[:3], "b": ports[3:]}.items():
            settings = place / f"{name}.toml"
            founds = "true" if name == "a" else "false"
            settings.write_text(
                _NODE.format(name=name, founds=founds, link=link, health=health, place=place, store=store)
            )
            settings.chmod(0o600)
            self.ports = {"amqp": amqp}
            command = [*self.command(place / name, promise), "--config", str(settings)]
            self._processes.append(BrokerProcess(f"{self.name} {name}", command, place / f"{name}.log"))
            if name == "a":
                self._processes[-1].await_port(amqp, self.start_seconds)
        self.ports = {"amqp": ports[0]}
        self._await_in_sync(ports[5])

    def _run_etcd(self, place: Path, port: int, peer_port: int) -> None:
        url, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
        command = [
            "etcd", "--data-dir", str(place / "etcd"), "--listen-client-urls", url, "--advertise-client-urls", url,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
            "--log-level", "error",
        ]  # fmt: skip
        self._processes.append(BrokerProcess("etcd", command, place / "etcd.log"))
        self._processes[-1].await_port(port, self.start_seconds)

    def _await_in_sync(self, health_port: int) -> None:
        deadline = time.monotonic() + IN_SYNC_SECONDS
        while not _is_ready(health_port):
            if time.monotonic() > deadline:
                raise TargetError(f"{self.name} is not in sync: {self.last_words()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop all and delete their directory."""
        while self._processes:
            self._processes.pop().stop()
        super().stop()

    def pids(self) -> list[int]:
        """Both nodes."""
        return [each.pid for each in self._processes[1:]]

    def last_words(self) -> str:
        """The last lines of each."""
        return " | ".join(each.log_tail() for each in self._processes)

    def version(self) -> str:
        """Also that there are two."""
        return f"{super().version()}, two nodes"


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
