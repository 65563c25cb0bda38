"""A pair of real processes with a real etcd, and faults between any two of them."""

import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from mqbroker.config.addresses import Address
from mqbroker.config.sections import PairConfig
from mqbroker.errors import PairError
from mqbroker.net import devcerts
from mqbroker.replication.control import ask
from tests.replication.fault_proxy import FaultProxy
from tests.replication.stores import EtcdProcess, etcd
from tests.support.broker_process import BrokerProcess
from tests.support.ports import free_port
from tests.support.waiting import eventually

WAIT_S = 45.0
_LISTENING = re.compile(r"^  listening   (\w+)://(\S+):(\d+)$")

CONFIG = """
[journal]
segment_bytes = 1048576
{journal}

[limits]
disk_free_min_bytes = 1048576

[pair]
node = "{node}"
founds = {founds}
listen = "127.0.0.1:{link_port}"
advertise = "127.0.0.1:{advertised_port}"
health = "127.0.0.1:{health_port}"
certificate = "{certificates}/pair.pem"
key = "{certificates}/pair.key"
ca = "{certificates}/ca.pem"
election_urls = ["http://127.0.0.1:{store_port}"]
lease_s = {lease_s}
ack_timeout_ms = {ack_timeout_ms}
{more}
"""


class NodeProcess(BrokerProcess):
    """One node: `start` returns at once, because a standby does not listen."""

    def __init__(self, pair: "Pair", name: str, more: str = "") -> None:
        self.name = name
        self.link_port, self.health_port = free_port(), free_port()
        self.to_link, self.to_store = FaultProxy(self.link_port), FaultProxy(pair.store.port)
        config = CONFIG.format(
            node=name, founds="true" if name == "a" else "false", link_port=self.link_port,
            advertised_port=self.link_port if pair.is_direct else self.to_link.port,
            health_port=self.health_port, store_port=self.to_store.port,
            certificates=pair.certificates, lease_s=pair.lease_s, ack_timeout_ms=pair.ack_timeout_ms,
            more=more, journal=pair.journal,
        )  # fmt: skip
        options = ("--dev", "--durability", pair.durability)
        super().__init__(pair.folder / name, *options, schemes=pair.schemes, config=config)
        self.ports = {scheme: free_port() for scheme in pair.schemes}
        self.module = pair.module
        self.control = PairConfig(
            node=name, listen=Address("127.0.0.1", self.link_port), certificate=pair.certificates / "pair.pem",
            key=pair.certificates / "pair.key", ca=pair.certificates / "ca.pem",
        )  # fmt: skip
        self.lines: list[str] = []

    def start(self) -> Self:
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment()
            )
        self.lines = []
        threading.Thread(target=self._read, args=(self.process, self.lines), daemon=True).start()
        return self

    def _read(self, process: "subprocess.Popen[str]", lines: list[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            lines.extend(iter(process.stdout.readline, ""))

    @property
    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_serving(self) -> bool:
        """Whether clients may connect."""
        return self.is_running and any(map(_LISTENING.match, self.lines))

    def _reap(self) -> int:
        assert self.process is not None
        return self.process.wait(20)

    def pause(self) -> None:
        """SIGSTOP."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def configure(self, old: str, new: str) -> None:
        """Has its configuration say something else from the next start on."""
        assert self.config is not None
        self.config = self.config.replace(old, new)

    def status(self) -> dict[str, Any]:
        """What `mqbroker ha status` asks for; nothing when it does not answer."""
        with ThreadPoolExecutor(1) as thread:  # the test may have a loop of its own
            try:
                return thread.submit(ask, self.control, {"do": "status"}).result()
            except PairError:
                return {}

    def close(self) -> None:
        """Ends everything of it."""
        if self.is_running:
            self.go_on()
            self.kill()
        self.to_link.close()
        self.to_store.close()


class Pair:
    """Two nodes, `a` and `b`, or more of them."""

    def __init__(
        self, folder: Path, store: EtcdProcess, schemes: tuple[str, ...] = ("amqp",), lease_s: int = 2,
        ack_timeout_ms: int = 1000, more: str = "", direct: bool = False,
        journal: str = "", durability: str = "fsync", module: str = "mqbroker", names: str = "ab",
    ) -> None:  # fmt: skip
        self.module = module
        """What is run as a node."""
        self.journal, self.durability = journal, durability
        self.is_direct = direct
        """Whether links go without a proxy, so that a node whose process is gone refuses them."""
        self.folder, self.store, self.schemes = folder, store, schemes
        self.lease_s, self.ack_timeout_ms = lease_s, ack_timeout_ms
        self.certificates = folder / "certificates"
        devcerts.generate_pair(self.certificates)
        self.nodes = tuple(NodeProcess(self, name, more) for name in names)
        self.a, self.b = self.nodes[:2]

    def start(self) -> None:
        """All run, `a` leads, and the others are in sync."""
        self.a.start()
        eventually(lambda: self.a.is_serving, WAIT_S)
        for node in self.nodes[1:]:
            node.start()
        self.until_in_sync()

    @property
    def active(self) -> NodeProcess:
        """Who serves clients; waits until somebody does."""
        eventually(lambda: any(node.is_serving for node in self.nodes), WAIT_S)
        return next(node for node in self.nodes if node.is_serving)

    @property
    def standby(self) -> NodeProcess:
        """The other one, or the first of the others."""
        active = self.active
        return next(node for node in self.nodes if node is not active)

    def until_in_sync(self) -> None:
        """Waits until each node has everything."""
        eventually(self._is_in_sync, WAIT_S)

    def _is_in_sync(self) -> bool:
        found = [node.status() for node in self.nodes]
        roles = sorted(each.get("role", "") for each in found)
        names = {node.name for node in self.nodes}
        return roles == ["active", *["standby"] * (len(found) - 1)] and all(
            set(each["isr"]) == names or each.get("in_sync") for each in found
        )

    def supervise(self) -> None:
        """Starts whoever has ended, as a supervisor does."""
        for node in self.nodes:
            if not node.is_running:
                node.start()

    def logs(self) -> str:
        """What both have said."""
        return "".join(f"--- {node.name}\n{node.log()}" for node in self.nodes if node.log_path.exists())

    def url(self, turn: list[int]) -> str:
        """The address that a client with a list of both tries next; `turn` counts its tries."""
        turn.append(0)
        return self.nodes[len(turn) % len(self.nodes)].url


def begin_anew(leader: NodeProcess, other: NodeProcess) -> None:
    """What docs/pair.md tells an operator whose store is lost."""
    for node in (leader, other):
        node.kill()
        node.configure("founds = true", "founds = false")
    leader.configure("founds = false", "founds = true")
    (leader.data_dir / "pair").rename(leader.data_dir.parent / "pair.old")
    shutil.rmtree(other.data_dir)
    leader.start()
    other.start()


@contextmanager
def closing(pair: Pair) -> Iterator[Pair]:
    """Ends its nodes after the test; prints their logs when the test fails."""
    try:
        yield pair
    except BaseException:
        print(pair.logs())
        raise
    finally:
        for node in pair.nodes:
            node.close()


@contextmanager
def a_pair(folder: Path, **options: Any) -> Iterator[Pair]:
    """A pair that is in sync, with its store; prints its logs when the test fails."""
    with etcd(folder / "etcd") as store, closing(Pair(folder, store, **options)) as pair:
        pair.start()
        yield pair


def seconds_until(is_so: Any) -> float:
    """How long it takes."""
    began = time.monotonic()
    eventually(is_so, WAIT_S)
    return time.monotonic() - began
