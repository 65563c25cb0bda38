"""The pages for newcomers work as they are: each is typed from top to bottom."""

from pathlib import Path

import pytest

from tests.clients import node_modules
from tests.conftest import find_program
from tests.docs.walkthrough import Walkthrough

pytestmark = pytest.mark.timeout(180)


def test_the_first_hour_of_a_user_of_rabbitmq(tmp_path: Path) -> None:
    """A newcomer found no path from the installation to a program that runs."""
    find_program("curl")
    page = Walkthrough("coming-from-rabbitmq.md", tmp_path)
    assert page.missing(page.run()) == []


def test_the_first_hour_of_a_user_of_mosquitto(tmp_path: Path) -> None:
    """A newcomer found no path from the installation to a flow that runs."""
    for program in ("curl", "mosquitto_pub", "mosquitto_sub"):
        find_program(program)
    node_modules.prepare()
    page = Walkthrough("coming-from-mosquitto.md", tmp_path)
    assert page.missing(page.run(node_modules.FOLDER / "node_modules" / ".bin")) == []


def test_the_first_hour_of_a_user_of_localstack(tmp_path: Path) -> None:
    """A newcomer found no path from the installation to a test suite that runs."""
    find_program("curl")
    page = Walkthrough("coming-from-localstack.md", tmp_path)
    assert page.missing(page.run()) == []
