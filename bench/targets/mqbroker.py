"""mqbroker from a Python environment, as a process of its own: compiled as installed, or the same code interpreted.

Owns its command line. The environment's installed package is run, never a source tree that happens to lie around:
`-P` keeps the working directory off the import path.
"""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from bench.driver.jobs import Endpoint
from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.single import SingleProcess

_ROOT = Path(__file__).resolve().parents[2]
_RUN_ENVIRONMENT = _ROOT / ".venv-run" / "bin" / "python"
_INTERPRETED = Path(__file__).with_name("interpreted.py")
_DESCRIBE = (
    "import json, pathlib, platform, mqbroker; home = pathlib.Path(mqbroker.__file__).parent;"
    "parts = ('aws/sqs', 'protocols/stomp', 'management', 'protocols/amqp1');"
    "there = [(home / part).exists() for part in parts];"
    "print(json.dumps([mqbroker.__version__, any(home.rglob('*.so')), platform.python_version(), *there]))"
)
_SCHEMES = {"sqs": "aws"}
_KEY_ID, _SECRET = "AKIABENCHBENCHBENCH0", "bench-secret"
# By the environment, which an older version reads nothing of that it does not know.
_FILTERS = "MQBROKER_AWS_SNS_FILTER_POLICIES_MAX=10000"
# --dev would take any access key unread; what is measured verifies each signature.
_SETTINGS = f"""
[aws]
auth = "sigv4"

[[users]]
name = "bench"

[[users.permissions]]
vhost = "/"
configure = ".*"
write = ".*"
read = ".*"

[[users.access_keys]]
id = "{_KEY_ID}"
secret = "{_SECRET}"
"""


class Mqbroker(SingleProcess):
    """A broker with a private data directory.

    python: the interpreter of the environment it is installed in; by default the one that `make run` builds.
    """

    protocols: tuple[str, ...] = ("amqp", "mqtt", "ws", "sqs", "stomp", "management", "prometheus")

    def __init__(self, interpreted: bool = False, python: Path | None = None, name: str = "mqbroker") -> None:
        super().__init__()
        self.name = name
        self.title = name
        self._interpreted = interpreted
        self._python = python or (_RUN_ENVIRONMENT if _RUN_ENVIRONMENT.exists() else Path(sys.executable))

    def command(self, place: Path, promise: Promise) -> list[str]:
        """Serve on free ports with the durability of the promise."""
        program = [str(_INTERPRETED)] if self._interpreted else ["-m", "mqbroker"]
        command = ["env", _FILTERS, str(self._python), "-P", *program, "serve", "--dev"]
        for protocol, port in self.ports.items():
            command += ["--listen", f"{_SCHEMES.get(protocol, protocol)}://127.0.0.1:{port}"]
        if "sqs" in self.ports:
            settings = place / "mqbroker.toml"
            settings.write_text(_SETTINGS)
            command += ["--config", str(settings)]
        return [*command, "--data-dir", str(place / "data"), "--durability", self.mode(promise)]

    def start(self, promise: Promise) -> None:
        """Start it with a listener for each protocol that it speaks."""
        self.protocols = tuple(filter(self.speaks, self.protocols))
        super().start(promise)

    def endpoint(self, protocol: str) -> Endpoint | None:
        """The listener of the protocol; of SQS with an access key."""
        if protocol == "amqp1":  # on the port of 0-9-1
            found = super().endpoint("amqp")
            return replace(found, protocol=protocol) if found is not None else None
        found = super().endpoint(protocol)
        return replace(found, user=_KEY_ID, password=_SECRET) if found is not None and protocol == "sqs" else found

    def speaks(self, protocol: str) -> bool:
        """Versions before SQS, STOMP, AMQP 1.0 and the management API can be measured too."""
        later = {"sqs": 3, "stomp": 4, "management": 5, "prometheus": 5, "amqp1": 6}
        is_known = protocol == "amqp1" or super().speaks(protocol)  # which has no port of its own
        return is_known and (protocol not in later or bool(self._described[later[protocol]]))

    @cached_property
    def _described(self) -> tuple[str, bool, str, bool, bool, bool, bool]:
        """Version, whether it is compiled, version of Python, whether it speaks SQS and STOMP, can be managed, and
        speaks AMQP 1.0."""
        command = [str(self._python), "-P", "-c", _DESCRIBE]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if shown.returncode:
            raise TargetError(f"{self._python} cannot import mqbroker: {shown.stderr.strip().splitlines()[-1]}")
        version, compiled, python, sqs, stomp, management, amqp1 = json.loads(shown.stdout)
        return version, compiled, python, sqs, stomp, management, amqp1

    def version(self) -> str:
        """Version, Python, and whether it is compiled."""
        version, compiled, python, *_ = self._described
        build = "compiled" if compiled and not self._interpreted else "interpreted"
        return f"mqbroker {version} ({build}, Python {python})"

    def mode(self, promise: Promise) -> str:
        """Transient messages do not touch the journal, so they may share the instance of the cheaper promise."""
        return "write" if promise is Promise.MEMORY else promise.value

    def can_serve(self, relayable: bool, plain: bool) -> bool:
        """Interpreted it takes part where the question is asked."""
        return plain or not self._interpreted

    def durability(self, promise: Promise) -> str:
        """The setting it is started with."""
        return "transient" if promise is Promise.MEMORY else f"durability = {self.mode(promise)}"
