"""mqbroker from a Python environment, as a process of its own: compiled as installed, or the same code interpreted.

Owns its command line. The environment's installed package is run, never a source tree that happens to lie around:
`-P` keeps the working directory off the import path.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench.errors import TargetError
from bench.targets.base import Promise
from bench.targets.single import SingleProcess

_ROOT = Path(__file__).resolve().parents[2]
_RUN_ENVIRONMENT = _ROOT / ".venv-run" / "bin" / "python"
_INTERPRETED = Path(__file__).with_name("interpreted.py")
_DESCRIBE = (
    "import json, pathlib, platform, mqbroker; home = pathlib.Path(mqbroker.__file__).parent;"
    "print(json.dumps([mqbroker.__version__, len(list(home.rglob('*.so'))), platform.python_version()]))"
)


class Mqbroker(SingleProcess):
    """A broker with a private data directory.

    python: the interpreter of the environment it is installed in; by default the one that `make run` builds.
    """

    protocols = ("amqp", "mqtt")

    def __init__(self, interpreted: bool = False, python: Path | None = None, name: str = "mqbroker") -> None:
        super().__init__()
        self.name = name
        self.title = name
        self._interpreted = interpreted
        self._python = python or (_RUN_ENVIRONMENT if _RUN_ENVIRONMENT.exists() else Path(sys.executable))

    def command(self, place: Path, promise: Promise) -> list[str]:
        """Serve on free ports with the durability of the promise."""
        program = [str(_INTERPRETED)] if self._interpreted else ["-m", "mqbroker"]
        command = [str(self._python), "-P", *program, "serve", "--dev"]
        for protocol, port in self.ports.items():
            command += ["--listen", f"{protocol}://127.0.0.1:{port}"]
        return [*command, "--data-dir", str(place / "data"), "--durability", self.mode(promise)]

    def version(self) -> str:
        """Version, Python, and how many of its modules are compiled."""
        command = [str(self._python), "-P", "-c", _DESCRIBE]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if shown.returncode:
            raise TargetError(f"{self._python} cannot import mqbroker: {shown.stderr.strip().splitlines()[-1]}")
        version, compiled, python = json.loads(shown.stdout)
        build = "interpreted" if self._interpreted or not compiled else f"{compiled} modules compiled"
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
