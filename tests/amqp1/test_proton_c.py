"""A program in C on Debian's Qpid Proton (libqpid-proton11-dev), compiled here, over TCP and TLS."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import REQUIRED, find_program
from tests.support.broker_process import BrokerProcess

SOURCE = Path(__file__).parent / "programs" / "proton.c"
HEADER = Path("/usr/include/proton/proactor.h")
COUNT = 500
RUN_TIMEOUT_S = 40


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program. Skips where there is no compiler or no library."""
    find_program("cc")
    if not HEADER.exists():
        (pytest.fail if "libqpid-proton" in REQUIRED else pytest.skip)("libqpid-proton11-dev is not installed")
    compiled = tmp_path_factory.mktemp("proton") / "proton"
    command = ["cc", "-Wall", "-Werror", "-O1", str(SOURCE), "-o", str(compiled), "-lqpid-proton"]
    built = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    assert built.returncode == 0, built.stderr
    return compiled


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_what_is_sent_is_accepted_and_comes_in_order(
    broker: BrokerProcess, name: str, program: Path, scheme: str
) -> None:
    """Messages of one frame and of several, in the way of a program that grants credit one by one."""
    command = [str(program), "localhost" if scheme == "amqps" else "127.0.0.1", str(broker.ports[scheme]), name]
    command.append(str(COUNT))
    if scheme == "amqps":
        command.append(str(broker.data_dir / "certs" / "ca.pem"))
    ran = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout == f"{COUNT} sent, {COUNT} accepted, {COUNT} received\n"
