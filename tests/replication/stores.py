"""Real election stores on free ports of the loopback interface: etcd and PostgreSQL, where they are installed."""

import os
import pwd
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mqbroker.net import devcerts
from tests.conftest import REQUIRED, find_program
from tests.support.ports import free_port

START_TIMEOUT_S = 30
USER, PASSWORD = "mqbroker", "a password"
POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

_NO_ETCD = "etcd is not installed (Debian: etcd-server)"
_NO_POSTGRESQL = "PostgreSQL is not installed (Debian: postgresql)"


def has_etcd() -> bool:
    """Whether it is installed, or has to be (MQBROKER_REQUIRE): then what needs it fails."""
    return "etcd" in REQUIRED or shutil.which("etcd") is not None


def has_postgresql() -> bool:
    """Whether it is installed, or has to be."""
    return "postgresql" in REQUIRED or bool(POSTGRES_FOLDERS)


NEEDS_ETCD = pytest.mark.skipif(not has_etcd(), reason=_NO_ETCD)
NEEDS_POSTGRESQL = pytest.mark.skipif(not has_postgresql(), reason=_NO_POSTGRESQL)


def require_etcd() -> None:
    """Skips the test that is running where it is not installed."""
    if not has_etcd():
        pytest.skip(_NO_ETCD)


def require_postgresql() -> None:
    """Skips the test that is running where it is not installed."""
    if not has_postgresql():
        pytest.skip(_NO_POSTGRESQL)


class EtcdProcess:
    """`etcd` with one member."""

    def __init__(self, folder: Path, is_tls: bool = False) -> None:
        self.folder = folder
        self.certificates = folder / "certificates"
        self._is_tls = is_tls
        self.port, self._peer_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http{'s' if self._is_tls else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, again on the same ports and with the same data; returns once it answers."""
        peer = f"http://127.0.0.1:{self._peer_port}"
        self.folder.mkdir(exist_ok=True, mode=0o700)
        command = [
            "etcd", "--data-dir", str(self.folder / "data"), "--listen-client-urls", self.url,
            "--advertise-client-urls", self.url, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}", "--log-level", "error", *self._tls_options(),
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        _wait(self._answers)

    def _tls_options(self) -> list[str]:
        if not self._is_tls:
            return []
        if not self.certificates.exists():
            devcerts.generate(self.certificates)
        files = self.certificates / "server.pem", self.certificates / "server.key"
        return ["--cert-file", str(files[0]), "--key-file", str(files[1])]

    def demand_password(self) -> None:
        """From here on it answers nobody but root and `USER`, who may do everything with keys of pairs. Skips the test
        where its command line is not installed."""
        find_program("etcdctl")
        for words in (
            ["user", "add", "root:root"], ["role", "add", "pairs"],
            ["role", "grant-permission", "pairs", "--prefix=true", "readwrite", "/mqbroker/"],
            ["user", "add", f"{USER}:{PASSWORD}"], ["user", "grant-role", USER, "pairs"], ["auth", "enable"],
        ):  # fmt: skip
            self.control(*words)

    def control(self, *words: str) -> None:
        """`etcdctl` with these words."""
        environment = {**os.environ, "ETCDCTL_API": "3"}
        trust = ["--cacert", str(self.certificates / "ca.pem")] if self._is_tls else []
        command = ["etcdctl", "--endpoints", self.url, *trust, *words]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=START_TIMEOUT_S)

    def _answers(self) -> bool:
        context = ssl.create_default_context(cafile=self.certificates / "ca.pem") if self._is_tls else None
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2, context=context) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False

    def stop(self) -> None:
        """Kills it; its data stays."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wipe(self) -> None:
        """Loses everything."""
        self.stop()
        shutil.rmtree(self.folder / "data")
        self.start()


@contextmanager
def etcd(folder: Path, is_tls: bool = False) -> Iterator[EtcdProcess]:
    """A running etcd."""
    process = EtcdProcess(folder, is_tls)
    try:
        process.start()
        yield process
    finally:
        process.stop()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A running PostgreSQL; the URL of its database. It does not run as root, so root runs it as its own user."""
    programs, port = POSTGRES_FOLDERS[-1], free_port()
    folder.mkdir()
    options: dict[str, int] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        for parent in folder.parents[:4]:
            if parent != Path("/tmp"):  # noqa: S108  its mode is everybody's
                parent.chmod(parent.stat().st_mode | 0o011)
        options = {"user": account.pw_uid, "group": account.pw_gid}
    data = folder / "data"
    initdb = [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **options)  # type: ignore[call-overload]
    command = [
        str(programs / "postgres"), "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1",
        "-c", f"unix_socket_directories={folder}", "-c", "fsync=off",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", **options)  # type: ignore[call-overload]
    try:
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        _wait(lambda: subprocess.run(ready).returncode == 0)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        process.kill()
        process.wait()


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_done():
        assert time.monotonic() < deadline, "the election store does not start"
        time.sleep(0.05)
