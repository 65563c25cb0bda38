"""RabbitMQ from the distribution's package, in a private place: own data, log, cookie, ports and port mapper (epmd).

Owns its command line and environment. Durability: classic durable queues write to the page cache (promise `write`),
quorum queues sync their log before they confirm (promise `fsync`), so one instance serves all promises.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from pamqp.common import FieldTable

from bench.driver.jobs import Endpoint
from bench.errors import TargetError
from bench.targets.base import PrivateDirectory, Promise, Target, free_ports
from bench.targets.process import BrokerProcess

START_SECONDS = 90.0
SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_PLUGINS = {"amqp": "", "mqtt": "rabbitmq_mqtt", "stomp": "rabbitmq_stomp"}
_GUESTS = {"amqp1": ("amqp", "rabbitmq_amqp1_0")}
"""Protocols without a port of their own: whose they share, and the plugin."""


class RabbitMQ(Target):
    """A RabbitMQ node of its own. Runs as the user who runs the harness; needs no service and no sudo."""

    name = "rabbitmq"
    title = "RabbitMQ"
    reference_for = ("amqp", "amqp1", "stomp")
    lacks = frozenset({"qos2", "shared", "retained-wildcards", "scale"})

    def __init__(self) -> None:
        self._directory: PrivateDirectory | None = None
        self._processes: list[BrokerProcess] = []
        self._ports: dict[str, int] = {}

    def start(self, promise: Promise) -> None:
        """Start epmd and the node; about ten seconds."""
        if not self.installed():
            raise TargetError("RabbitMQ is not installed: apt-get install rabbitmq-server")
        if self._processes:
            return
        self._ports = dict(zip((*_PLUGINS, "epmd", "distribution"), free_ports(len(_PLUGINS) + 2), strict=True))
        self._directory = PrivateDirectory(self.name)
        try:
            self._launch(self._directory.path)
        except BaseException:
            self.stop()
            raise

    def _launch(self, place: Path) -> None:
        environment = self._environment(place)
        self._write_settings(place)
        mapper = ["epmd", "-port", str(self._ports["epmd"]), "-address", "127.0.0.1"]
        self._processes.append(BrokerProcess("epmd", mapper, place / "epmd.log", environment))
        # The node starts a port mapper of its own, and leaves it behind, unless one answers already.
        self._processes[0].await_port(self._ports["epmd"], START_SECONDS)
        self._processes.append(BrokerProcess(self.title, [str(SCRIPT)], place / "output.log", environment))
        for protocol in _PLUGINS:
            self._processes[1].await_port(self._ports[protocol], START_SECONDS)

    def _write_settings(self, place: Path) -> None:
        (place / "home").mkdir()
        plugins = [*filter(None, _PLUGINS.values()), *(plugin for _, plugin in _GUESTS.values())]
        (place / "plugins").write_text(f"[{','.join(plugins)}].")
        (place / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._ports['amqp']}\n"
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self._ports['mqtt']}\n"
            f"stomp.listeners.tcp.1 = 127.0.0.1:{self._ports['stomp']}\n"
            "log.console = false\n"
            "log.file.level = warning\n"
            # A benchmark shall measure the broker, not its alarms: the machine's memory is the bound.
            "vm_memory_high_watermark.relative = 0.7\n"
        )

    def _environment(self, place: Path) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(place / "home"),
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"bench{self._ports['epmd']}@localhost",
            "RABBITMQ_DIST_PORT": str(self._ports["distribution"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(place / "data"),
            "RABBITMQ_LOG_BASE": str(place / "log"),
            "RABBITMQ_PID_FILE": str(place / "pid"),
            "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "plugins"),
            # Makes the start script replace itself by the Erlang machine: one pid to measure and to stop.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def stop(self) -> None:
        """Stop the node, then its port mapper."""
        for process in reversed(self._processes):
            process.stop()
        self._processes = []
        if self._directory is not None:
            self._directory.remove()
            self._directory = None

    def endpoint(self, protocol: str) -> Endpoint | None:
        """AMQP 0-9-1; AMQP 1.0, MQTT and STOMP by their plugins."""
        if not self.speaks(protocol) or not self._ports:
            return None
        return Endpoint(protocol, "127.0.0.1", self._ports[_GUESTS.get(protocol, (protocol, ""))[0]])

    def pids(self) -> list[int]:
        """The Erlang machine (not the port mapper, which idles)."""
        return [self._processes[1].pid] if len(self._processes) > 1 else []

    def version(self) -> str:
        """The package's version."""
        tool = shutil.which("dpkg-query")
        if tool is None:
            return self.title
        shown = subprocess.run([tool, "-W", "rabbitmq-server"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"\s(\d[\w.]*)", shown)
        return f"{self.title} {found.group(1)}" if found else self.title

    def installed(self) -> bool:
        """Whether the package is there."""
        return SCRIPT.exists()

    def speaks(self, protocol: str) -> bool:
        """AMQP 0-9-1 and 1.0, MQTT and STOMP."""
        return protocol in _PLUGINS or protocol in _GUESTS

    def mode(self, promise: Promise) -> str:
        """The type of queue decides, so one node is enough."""
        return "any"

    def queue_arguments(self, promise: Promise) -> FieldTable:
        """Quorum queues where a sync is promised."""
        return {"x-queue-type": "quorum"} if promise is Promise.FSYNC else {}

    def durability(self, promise: Promise) -> str:
        """The kind of queue."""
        kinds = {Promise.MEMORY: "transient", Promise.WRITE: "classic durable", Promise.FSYNC: "quorum"}
        return kinds[promise]
