"""What README.md shows works as pasted: its examples run against a broker, and what it refers to exists."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import node_modules
from tests.clients.worker_process import WorkerProcess
from tests.support.broker_process import BrokerProcess

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TIMEOUT_S = 40


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    data_dir = tmp_path_factory.mktemp("readme") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=("amqp", "mqtt", "aws")) as running:
        yield running


def example(language: str, word: str, broker: BrokerProcess) -> str:
    """The one block of code in that language with that word in it, with the broker's own ports."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (code,) = (block for block in blocks if word in block)
    code = str(code).replace("localhost:5672", f"localhost:{broker.ports['amqp']}")
    code = code.replace("localhost:9324", f"localhost:{broker.ports['aws']}")
    return code.replace("port=1883", f"port={broker.ports['mqtt']}")


def output_of(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_example_publishes_and_consumes(broker: BrokerProcess, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(example("python", "import pika\n", broker))
    assert output_of([sys.executable, "first.py"], tmp_path) == "received: three teapots\n"


def test_the_mqtt_example_goes_from_a_device_to_a_worker(broker: BrokerProcess, tmp_path: Path) -> None:
    (tmp_path / "device.py").write_text(example("python", "from paho", broker))
    assert output_of([sys.executable, "device.py"], tmp_path) == "received: sensors.kitchen 21.5\n"


def test_the_sqs_example_goes_to_a_worker_of_amqp(broker: BrokerProcess, tmp_path: Path) -> None:
    (tmp_path / "invoice.py").write_text(example("python", "import boto3", broker))
    assert output_of([sys.executable, "invoice.py"], tmp_path) == "received: forty-two euros\n"


def test_the_commands_of_aws_do_not_meet_what_other_examples_have_declared(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    """The bug: the queue of the first example was in the way of `aws sqs create-queue`."""
    (tmp_path / "first.py").write_text(example("python", "import pika\n", broker))
    output_of([sys.executable, "first.py"], tmp_path)
    block = example("sh", "aws --endpoint-url", broker)
    commands = block.replace("\naws ", f"\n{sys.executable} -m awscli ")
    assert '"QueueUrls"' in output_of(["sh", "-e", "-c", commands], tmp_path)


def test_the_node_example_publishes_and_consumes(broker: BrokerProcess) -> None:
    node_modules.prepare()
    (node_modules.FOLDER / "readme.mjs").write_text(example("js", "amqplib", broker))
    assert output_of(["node", "readme.mjs"], node_modules.FOLDER) == "received: hello\n"


def test_the_celery_example_gives_back_a_result(broker: BrokerProcess, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(example("python", "from celery", broker))
    call = re.search(r"^python -c '(.*)'$", README, re.MULTILINE)
    assert call is not None
    with WorkerProcess("tasks", tmp_path, {}, "--pool=solo"):
        assert output_of([sys.executable, "-c", call[1]], tmp_path) == "5\n"


def test_every_file_and_section_that_is_linked_exists() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if not target.startswith("http")]
    sections = {
        "#" + re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    assert targets
    assert [target for target in targets if target not in sections and not (ROOT / target).exists()] == []


def test_the_benchmark_table_has_its_place() -> None:
    assert README.count("<!-- bench:begin -->") == README.count("<!-- bench:end -->") == 1
