"""amqtt, the MQTT broker in plain asyncio Python: the peer of an interpreted mqbroker.

Owns its command line and settings. It pins old versions of libraries that mqbroker uses too, so it has an environment
of its own (`make bench-peers`).
"""

import subprocess
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.single import InMemory

_PROGRAM = Path(__file__).parents[2] / ".venv-amqtt" / "bin" / "amqtt"
_VERSION = "from importlib.metadata import version; print(version('amqtt'))"


class Amqtt(InMemory):
    """An amqtt broker of the environment `.venv-amqtt`."""

    name = "amqtt"
    title = "amqtt"
    protocols = ("mqtt",)
    lacks = frozenset({"shared", "scale"})
    is_slow = True

    def command(self, place: Path, promise: Promise) -> list[str]:
        """Run with settings in the private directory."""
        if not self.installed():
            raise TargetError("amqtt is not installed: make bench-peers")
        settings = place / "amqtt.yaml"
        settings.write_text(
            "listeners:\n"
            f"  default: {{type: tcp, bind: '127.0.0.1:{self.ports['mqtt']}', max_connections: 2000}}\n"
            "plugins:\n"
            "  amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}\n"
        )
        return [str(_PROGRAM), "-c", str(settings)]

    def installed(self) -> bool:
        """Whether it has been set up."""
        return _PROGRAM.exists()

    def version(self) -> str:
        """The installed distribution's version."""
        if not self.installed():
            return self.title
        command = [str(_PROGRAM.with_name("python")), "-c", _VERSION]
        return f"{self.title} {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}"
