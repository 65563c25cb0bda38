"""Mosquitto from the distribution's package, with a configuration of its own.

Owns its command line and settings. Its limits on queued messages are lifted: by default it drops what a slow
subscriber cannot take, which the driver would rightly call a loss.
"""

import re
import shutil
import subprocess
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.single import SingleProcess


def _find() -> str | None:
    # An ordinary user's PATH seldom has the directory where Debian puts it.
    return shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def _program() -> str:
    found = _find()
    if found is None:
        raise TargetError("Mosquitto is not installed: apt-get install mosquitto")
    return found


class Mosquitto(SingleProcess):
    """A Mosquitto broker, with persistence where it is asked for more than memory."""

    name = "mosquitto"
    title = "Mosquitto"
    reference_for = ("mqtt", "ws")
    protocols = ("mqtt", "ws")

    def command(self, place: Path, promise: Promise) -> list[str]:
        """Run with settings in the private directory."""
        settings = place / "mosquitto.conf"
        settings.write_text(
            f"listener {self.ports['mqtt']} 127.0.0.1\n"
            f"listener {self.ports['ws']} 127.0.0.1\n"
            "protocol websockets\n"
            "allow_anonymous true\n"
            f"persistence {'false' if promise is Promise.MEMORY else 'true'}\n"
            f"persistence_location {place}/\n"
            "max_queued_messages 0\n"
            "max_inflight_messages 0\n"
            "set_tcp_nodelay true\n"
            "log_dest stderr\n"
            "log_type error\n"
            # As root it would change to a user who may not read the private directory.
            "user root\n"
        )
        return [_program(), "-c", str(settings)]

    def keeps(self, promise: Promise) -> bool:
        """No more than to write sessions at intervals, which is less than the promise, and all there is."""
        return promise is not Promise.FSYNC

    def durability(self, promise: Promise) -> str:
        """Its persistence."""
        kinds = {Promise.MEMORY: "in memory", Promise.WRITE: "persistence on: a file written every half hour"}
        return kinds.get(promise, "")

    def installed(self) -> bool:
        """Whether the package is there."""
        return _find() is not None

    def version(self) -> str:
        """As it says itself."""
        shown = subprocess.run([_program(), "-h"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"version (\S+)", shown)
        return f"{self.title} {found.group(1)}" if found else self.title
