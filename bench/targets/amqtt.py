"""amqtt, the MQTT broker in plain asyncio Python: the peer of an interpreted mqbroker.

Owns its command line and settings.
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.single import InMemory


class Amqtt(InMemory):
    """An amqtt broker of the environment that the harness runs in."""

    name = "amqtt"
    title = "amqtt"
    protocols = ("mqtt",)

    def command(self, place: Path, promise: Promise) -> list[str]:
        """Run with settings in the private directory."""
        program = Path(sys.executable).with_name("amqtt")
        if not program.exists():
            raise TargetError("amqtt is not installed in this environment: pip install amqtt")
        settings = place / "amqtt.yaml"
        settings.write_text(
            "listeners:\n"
            f"  default: {{type: tcp, bind: '127.0.0.1:{self.ports['mqtt']}', max_connections: 2000}}\n"
            "plugins:\n"
            "  amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}\n"
        )
        return [str(program), "-c", str(settings)]

    def version(self) -> str:
        """The installed distribution's version."""
        try:
            return f"{self.title} {version('amqtt')}"
        except PackageNotFoundError:
            return self.title
