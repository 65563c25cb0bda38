"""fauxqs, the emulator of SQS, SNS and S3 in JavaScript (Fastify), from npm.

Owns its command line. It is looked for where `make bench-peers` installs it.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.emulator import REMARK, Emulator

_PACKAGE = Path(__file__).resolve().parents[2] / ".cache" / "bench-peers" / "node_modules" / "fauxqs"


class Fauxqs(Emulator):
    """A fauxqs server, without its log of requests."""

    name = "fauxqs"
    title = "fauxqs"

    def command(self, place: Path, promise: Promise) -> Sequence[str]:
        """Serve on the loopback without a log, as its own start (on all addresses, each request logged) cannot."""
        if not self.installed():
            raise TargetError("fauxqs is not installed: make bench-peers")
        module = json.dumps(str(_PACKAGE / "dist" / "app.js"))
        address = json.dumps({"host": "127.0.0.1", "port": self.ports["sqs"]})
        serve = f"import {{ buildApp }} from {module}; await buildApp({{ logger: false }}).listen({address})"
        return ["node", "--input-type=module", "--eval", serve]

    def installed(self) -> bool:
        """Whether the package and Node.js are there."""
        return _PACKAGE.exists() and shutil.which("node") is not None

    def version(self) -> str:
        """The package's version."""
        try:
            found = json.loads((_PACKAGE / "package.json").read_text())["version"]
        except OSError:
            return self.title
        return f"{self.title} {found} ({REMARK})"
