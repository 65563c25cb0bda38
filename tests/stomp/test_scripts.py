"""The STOMP clients of Perl and PHP, unmodified, as Debian has them: libnet-stomp-perl; php-stomp, without TLS."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import REQUIRED, find_program
from tests.support.broker_process import BrokerProcess

SCRIPTS = Path(__file__).parent / "scripts"
RUN_TIMEOUT_S = 40


def require(name: str, *command: str) -> None:
    """Skips the test where the module is not installed, unless MQBROKER_REQUIRE has it."""
    find_program(command[0])
    found = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    if found.returncode:
        (pytest.fail if name in REQUIRED else pytest.skip)(f"{name} is not installed: {found.stderr.strip()[:200]}")


def run(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_net_stomp_of_perl_sends_in_a_transaction_and_waits_for_receipts(broker: BrokerProcess) -> None:
    """It waits for a receipt inside of the transaction, and takes what comes next for the receipt."""
    require("Net::Stomp", "perl", "-MNet::Stomp", "-e1")
    run("perl", str(SCRIPTS / "net_stomp.pl"), str(broker.ports["stomp"]))


def test_net_stomp_of_perl_does_so_over_tls(broker: BrokerProcess) -> None:
    require("Net::Stomp", "perl", "-MNet::Stomp", "-MIO::Socket::SSL", "-e1")
    ca = str(broker.data_dir / "certs" / "ca.pem")
    run("perl", str(SCRIPTS / "net_stomp.pl"), str(broker.ports["stomps"]), ca)


def test_the_extension_of_php_acknowledges_with_a_copy_of_the_headers(broker: BrokerProcess) -> None:
    require("php-stomp", "php", "-r", 'exit(extension_loaded("stomp") ? 0 : 1);')
    assert run("php", str(SCRIPTS / "stomp.php"), f"tcp://127.0.0.1:{broker.ports['stomp']}") == "done"
