"""Runs a page of docs/ as a reader would: makes the files that it shows, then types its commands, in order.

In `name`: followed by a block      that file
```sh                               commands, all of one page in one shell
```text                             lines that what was typed before has to print, in that order
``` without a language              shown only
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from tests.support.broker_process import ON_ANY_DISK
from tests.support.ports import free_port

DOCS = Path(__file__).parents[2] / "docs"
TIMEOUT_S = 120

_BLOCK = re.compile(
    r"(?:In `(?P<file>[\w.]+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_PORT = re.compile(r"\b(?:1883|5672|9324|15675)\b")


class Walkthrough:
    """One page, with ports of its own in the place of the standard ones."""

    def __init__(self, page: str, folder: Path) -> None:
        text = _with_free_ports((DOCS / page).read_text())
        self.folder = folder
        self.commands: list[str] = []
        self.expected: list[str] = []
        for block in _BLOCK.finditer(text):
            if block["file"]:
                (folder / block["file"]).write_text(block["text"])
            elif block["language"] == "sh":
                self.commands.append(block["text"])
            elif block["language"] == "text":
                self.expected += block["text"].splitlines()

    def run(self, *paths: Path) -> str:
        """Types everything, with `paths` before those of the system; what was printed. What was started is ended."""
        places = [str(Path(sys.executable).parent), *map(str, paths), os.environ["PATH"], "/usr/sbin"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MQBROKER_"))}
        environment |= {"PATH": os.pathsep.join(places), "HOME": str(self.folder), **ON_ANY_DISK}
        out, err = self.folder / "out", self.folder / "err"
        with out.open("w") as stdout, err.open("w") as stderr:
            code = self._type(environment, stdout, stderr)
        assert code == 0, f"it ended with {code} (None: not in time), after\n{out.read_text()}\n{err.read_text()}"
        return out.read_text()

    def _type(self, environment: dict[str, str], stdout: TextIO, stderr: TextIO) -> int | None:
        shell = subprocess.Popen(
            ["bash", "-e"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        try:
            shell.communicate("".join(self.commands), TIMEOUT_S)
            return shell.returncode
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.communicate()

    def missing(self, printed: str) -> list[str]:
        """The expected lines from the first one on that does not come in its place."""
        position = 0
        for number, line in enumerate(self.expected):
            position = printed.find(line, position) + len(line)
            if position < len(line):
                return self.expected[number:]
        return []


def _with_free_ports(text: str) -> str:
    ports = {standard: free_port() for standard in set(_PORT.findall(text))}
    return _PORT.sub(lambda found: str(ports[found[0]]), text)
