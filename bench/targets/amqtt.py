"""amqtt, the MQTT broker in plain asyncio Python: the peer of an interpreted mqbroker.

Owns its command line and settings.
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.single import InMemory

_PROGRAM = Path(sys.executable).with_name("amqtt")


class Amqtt(InMemory):
    """An amqtt broker of the environment that the harness runs in."""

    name = "amqtt"
    title = "amqtt"
    protocols = ("mqtt",)
    lacks = frozenset({"shared", "scale"})
    is_slow = True

    def command(self, place: Path, promise: Promise) -> list[str]:
        """Run with settings in the private directory."""
        if not self.installed():
            raise TargetError("amqtt is not installed in this environment: pip install amqtt")
        settings = place / "amqtt.yaml"
        settings.write_text(
            "listeners:\n"
            f"  default: {{type: tcp, bind: '127.0.0.1:{self.ports['mqtt']}', max_connections: 2000}}\n"
            "plugins:\n"
            "  amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}\n"
        )
        return [str(_PROGRAM), "-c", str(settings)]

    def installed(self) -> bool:
        """Whether this environment has it."""
        return _PROGRAM.exists()

    def version(self) -> str:
        """The installed distribution's version."""
        try:
            return f"{self.title} {version('amqtt')}"
        except PackageNotFoundError:
            return self.title
