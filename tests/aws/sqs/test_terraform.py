"""Terraform with its AWS provider, unmodified: the configuration in docs/ is applied, found unchanged, and taken away.

It needs the program, and the provider in a folder that MQBROKER_TERRAFORM_PLUGINS names (`terraform providers mirror`).
The provider waits for half a minute after each change until it believes in it, so this is one of the slow tests.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import find_program
from tests.support.broker_process import BrokerProcess

DOCUMENT = (Path(__file__).parents[3] / "docs" / "sqs.md").read_text()
TIMEOUT_S = 280

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3 * TIMEOUT_S)]


class Terraform:
    """Terraform in a folder of its own."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self.program = find_program("terraform")
        self.folder = folder
        (folder / "main.tf").write_text(configuration)
        (folder / "empty.rc").write_text("")

    def run(self, *arguments: str) -> str:
        settings = {"CHECKPOINT_DISABLE": "1", "TF_INPUT": "0", "TF_CLI_CONFIG_FILE": str(self.folder / "empty.rc")}
        done = subprocess.run(
            [self.program, *arguments, "-no-color"],
            cwd=self.folder, env={**os.environ, **settings}, capture_output=True, text=True, timeout=TIMEOUT_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def test_queues_of_any_region_are_made_and_need_no_second_change(broker: BrokerProcess, tmp_path: Path) -> None:
    """The bug: in a region other than the default one the URL of a queue had an "incorrect format"."""
    plugins = os.environ.get("MQBROKER_TERRAFORM_PLUGINS")
    if not plugins:
        pytest.skip("MQBROKER_TERRAFORM_PLUGINS does not name a folder with Terraform's AWS provider")
    (block,) = re.findall(r"^```hcl\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    block = str(block).replace("localhost:9324", f"localhost:{broker.ports['aws']}").replace("us-east-1", "eu-west-1")
    terraform = Terraform(tmp_path, block)
    terraform.run("init", f"-plugin-dir={plugins}")
    terraform.run("apply", "-auto-approve")
    terraform.run("plan", "-detailed-exitcode")  # exit code 2 for a difference
    assert f"http://localhost:{broker.ports['aws']}/000000000000/" in terraform.run("show")
    terraform.run("destroy", "-auto-approve")
