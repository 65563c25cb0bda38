"""The command line as operators meet it: a process, its output, its exit code."""

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mqbroker import __version__
from mqbroker.cli import main
from mqbroker.config import Config
from mqbroker.errors import StorageError
from mqbroker.net.devcerts import generate


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mqbroker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def write(folder: Path, text: str) -> str:
    path = folder / "broker.toml"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configurations that `serve` was called with; nothing is really served."""
    configs: list[Config] = []

    def serve(config: Config) -> int:
        configs.append(config)
        return 0

    server: Any = types.ModuleType("mqbroker.server")
    server.serve = serve
    monkeypatch.setitem(sys.modules, "mqbroker.server", server)
    return configs


def test_the_version_is_one_line() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"mqbroker {__version__}\n")


def test_serve_passes_its_flags_on(served: list[Config], tmp_path: Path) -> None:
    path = write(tmp_path, 'durability = "memory"\nlog_level = "error"\n')
    flags = ["--listen", "amqp://127.0.0.1:1", "--listen", "amqp://[::1]:2", "--data-dir", "d", "--durability", "write"]
    result = CliRunner().invoke(main, ["serve", "--config", path, *flags])
    assert result.exit_code == 0, result.output
    [config] = served
    assert [listener.url for listener in config.listeners] == ["amqp://127.0.0.1:1", "amqp://[::1]:2"]
    assert (config.data_dir, config.durability, config.log_level, config.dev) == (Path("d"), "write", "error", False)


def test_serve_without_flags_serves_the_defaults(served: list[Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MQBROKER_CONFIG", raising=False)
    assert CliRunner().invoke(main, ["serve"]).exit_code == 0
    assert served == [Config()]


def test_dev_is_a_flag(served: list[Config]) -> None:
    assert CliRunner().invoke(main, ["serve", "--dev"]).exit_code == 0
    assert served[0].dev


def test_the_environment_counts(served: list[Config], tmp_path: Path) -> None:
    variables = {"MQBROKER_LOG_LEVEL": "debug", "MQBROKER_CONFIG": write(tmp_path, 'durability = "memory"')}
    assert CliRunner().invoke(main, ["serve"], env=variables).exit_code == 0
    assert (served[0].log_level, served[0].durability) == ("debug", "memory")


def test_a_bad_configuration_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    path = write(tmp_path, "[amqp]\nframe_max = 1\n")
    for arguments in (["serve", "--config", path], ["check-config", path]):
        result = run(*arguments)
        assert result.returncode == 2
        assert result.stderr == f"mqbroker: {path}, line 2: amqp.frame_max must be at least 4096, not 1\n"
        assert result.stdout == ""


def test_a_missing_configuration_file_is_one_sentence(tmp_path: Path) -> None:
    result = run("serve", "--config", str(tmp_path / "none.toml"))
    assert result.returncode == 2
    assert result.stderr == f"mqbroker: {tmp_path}/none.toml: cannot be read: No such file or directory\n"


def test_a_failure_of_the_broker_is_one_sentence_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(config: Config) -> int:
        raise StorageError("the disk is gone")

    server: Any = types.ModuleType("mqbroker.server")
    server.serve = serve
    monkeypatch.setitem(sys.modules, "mqbroker.server", server)
    result = CliRunner().invoke(main, ["serve"])
    assert (result.exit_code, result.stderr) == (1, "mqbroker: the disk is gone\n")


def test_check_config_says_what_would_be_served(tmp_path: Path) -> None:
    certificates = generate(tmp_path / "certs")
    path = write(
        tmp_path,
        'listeners = ["amqp://127.0.0.1:1", "amqps://0.0.0.0:2"]\ndata_dir = "here"\n'
        f'[tls]\ncertificate = "{certificates.server}"\nkey = "{certificates.server_key}"\n',
    )
    result = run("check-config", path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        f"{path} is valid\n  listen on amqp://127.0.0.1:1\n  listen on amqps://0.0.0.0:2\n"
        "  data in here, durability fsync\n"
    )


def test_check_config_finds_a_certificate_that_cannot_be_used(tmp_path: Path) -> None:
    path = write(tmp_path, '[tls]\ncertificate = "/nowhere/a.pem"\nkey = "/nowhere/a.key"\n')
    result = run("check-config", path)
    assert result.returncode == 2
    assert result.stderr == "mqbroker: tls.certificate: /nowhere/a.pem cannot be read: No such file or directory\n"


def test_an_unknown_command_is_exit_code_2() -> None:
    assert run("frobnicate").returncode == 2
