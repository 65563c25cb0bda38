"""moto, the emulator of AWS in Python (Flask), by its server.

Owns its command line.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.emulator import REMARK, Emulator

_PROGRAM = Path(sys.executable).with_name("moto_server")


class Moto(Emulator):
    """A moto server of the environment that the harness runs in."""

    name = "moto"
    title = "moto"
    # A call takes milliseconds: to fill a deep queue takes minutes, and each waiting long poll is a busy thread.
    lacks = Emulator.lacks | {"scale"}
    is_slow = True

    def command(self, place: Path, promise: Promise) -> Sequence[str]:
        """Serve on the loopback."""
        if not self.installed():
            raise TargetError("moto is not installed in this environment: pip install 'moto[server]'")
        return [str(_PROGRAM), "-H", "127.0.0.1", "-p", str(self.ports["sqs"])]

    def installed(self) -> bool:
        """Whether this environment has it."""
        return _PROGRAM.exists()

    def version(self) -> str:
        """The installed distribution's version."""
        try:
            return f"{self.title} {version('moto')} ({REMARK})"
        except PackageNotFoundError:
            return self.title
