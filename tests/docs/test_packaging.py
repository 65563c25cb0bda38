"""What conf/packaging has: a unit that systemd takes, a container file whose steps work, examples that fit to them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from mqbroker.config.composition import config_kind
from mqbroker.config.option import all_options
from mqbroker.spoken import PROTOCOLS, load_config

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "conf" / "packaging"
UNIT = PACKAGING / "mqbroker.service"
CONTAINER = (PACKAGING / "Containerfile").read_text()
EXPOSURE_MAX = 20  # tenths, as `systemd-analyze security` counts

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
VARIABLES = {option.environment_variable for option in all_options(config_kind(PROTOCOLS))} | {"MQBROKER_CONFIG"}


def local_unit(folder: Path) -> Path:
    """The unit with a program that is there, which systemd wants to see."""
    path = folder / "mqbroker.service"
    path.write_text(UNIT.read_text().replace("/opt/mqbroker/bin/mqbroker", sys.executable))
    return path


@needs_systemd
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    """A misspelt setting of the unit was ignored, and with it what should protect the machine."""
    unit = local_unit(tmp_path)
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in verified.stderr.splitlines() if "mqbroker" in line]
    assert (verified.returncode, said) == (0, [])
    secure = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", str(unit)]
    found = subprocess.run(secure, capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_PAGER": ""})
    assert found.returncode == 0, found.stdout[-500:]


def environment_of_image() -> dict[str, str]:
    """The variables that the container file sets."""
    text = re.search(r"^ENV (.*?[^\\])$", CONTAINER, re.MULTILINE | re.DOTALL)
    assert text is not None
    return dict(pair.split("=", 1) for pair in text[1].replace("\\\n", " ").split())


def test_the_image_starts_with_its_variables_alone() -> None:
    """A listener that was renamed, or refused without TLS, stopped the container at its first start."""
    environment = environment_of_image()
    config = load_config(None, {name: value for name, value in environment.items() if name in VARIABLES}, None)
    ports = {listener.port for listener in config.listeners}
    exposed = re.search(r"^EXPOSE (.*)$", CONTAINER, re.MULTILINE)
    assert exposed is not None
    assert ports == {int(port) for port in exposed[1].split()}
    assert str(config.data_dir) == "/var/lib/mqbroker"
    assert "USER 10001" in CONTAINER


@pytest.mark.parametrize("path", sorted(PACKAGING.rglob("*.yaml")), ids=lambda path: path.name)
def test_examples_name_options_and_ports_that_there_are(path: Path) -> None:
    """An example set a variable that nobody reads."""
    text = path.read_text()
    assert set(re.findall(r"\bMQBROKER_\w+", text)) <= VARIABLES
    for document in yaml.safe_load_all(text):
        if "services" in document:
            check_compose(document["services"]["broker"])


def check_compose(service: dict[str, Any]) -> None:
    """What is published is listened on."""
    given = {**environment_of_image(), **service["environment"]}
    known = {name: value.partition("$")[0] or "x" for name, value in given.items() if name in VARIABLES}
    ports = {listener.port for listener in load_config(None, known, None).listeners}
    assert {int(port.rpartition(":")[2]) for port in service["ports"]} <= ports


def test_the_stateful_set_is_without_rights() -> None:
    """A pod of the example was refused by clusters that want pods restricted."""
    documents = {
        each["kind"]: each for each in yaml.safe_load_all((PACKAGING / "kubernetes/statefulset.yaml").read_text())
    }
    pod = documents["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    names = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in names
        assert container[probe]["httpGet"]["path"] in ("/healthz", "/readyz")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_steps_of_the_container_file_make_a_broker_that_is_healthy(tmp_path: Path) -> None:
    """The container file was changed, and its image could not be built, or was never healthy."""
    steps = re.findall(r"^RUN (/src/\S+) /src (/opt/\S+)$", CONTAINER, re.MULTILINE)
    assert steps == [("/src/conf/packaging/install.sh", "/opt/mqbroker")]
    sources, target, data = tmp_path / "src", tmp_path / "mqbroker", tmp_path / "data"
    ignored = shutil.ignore_patterns(".git", ".venv*", ".cache", "build", "node_modules", "__pycache__", "*.so")
    shutil.copytree(ROOT, sources, ignore=ignored)
    subprocess.run([sources / "conf/packaging/install.sh", sources, target], check=True, timeout=1500)
    health = re.search(r"^HEALTHCHECK .*CMD \[(.*)\]$", CONTAINER, re.MULTILINE)
    assert health is not None
    command = [str(target / "bin" / "mqbroker"), *(word.strip(' "') for word in health[1].split(",")[1:])]
    listeners = re.sub(r"0\.0\.0\.0:\d+", "127.0.0.1:0", environment_of_image()["MQBROKER_LISTENERS"])
    environment = {
        **environment_of_image(), "PATH": os.environ["PATH"], "MQBROKER_DATA_DIR": str(data),
        "MQBROKER_LISTENERS": listeners, "MQBROKER_DEFAULT_USER": "admin", "MQBROKER_DEFAULT_PASS": "secret",
    }  # fmt: skip
    with subprocess.Popen(
        [target / "bin" / "mqbroker", "serve"], env=environment, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as broker:
        assert broker.stdout is not None
        shown = [next(broker.stdout) for _ in range(4)]
        assert "listening" in shown[3]
        checked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        broker.terminate()
        assert checked.returncode == 0, checked.stderr
        assert broker.wait(60) == 0
