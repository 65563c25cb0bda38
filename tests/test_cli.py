"""The command line as operators meet it: a process, its output, its exit code."""

import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mqbroker import __version__
from mqbroker.built import FORM
from mqbroker.cli import main
from mqbroker.config import Config
from mqbroker.config.composition import config_kind
from mqbroker.config.keys import KeySource, read_keys
from mqbroker.errors import StorageError
from mqbroker.net.devcerts import generate
from mqbroker.spoken import PROTOCOLS
from mqbroker.storage.keys.keyring import Keyring, key_id_of
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_names
from tests.storage.house import Journal, an_entry


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

    def serve(config: Config, load: object) -> int:
        configs.append(config)
        return 0

    server: Any = types.ModuleType("mqbroker.server")
    server.serve = serve
    monkeypatch.setitem(sys.modules, "mqbroker.server", server)
    return configs


def test_the_version_is_one_line() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"mqbroker {__version__} ({FORM})\n")


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
    assert served == [config_kind(PROTOCOLS)()]


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
    def serve(config: Config, load: object) -> int:
        raise StorageError("the disk is gone")

    server: Any = types.ModuleType("mqbroker.server")
    server.serve = serve
    monkeypatch.setitem(sys.modules, "mqbroker.server", server)
    result = CliRunner().invoke(main, ["serve"])
    assert (result.exit_code, result.output) == (1, "mqbroker: the disk is gone\n")


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


RABBIT = "AAAA" + "A" * 44  # 36 octets in Base64, as RabbitMQ's SHA-256 hashes are
QUEUE = """[[aws.queues]]
name = "%s"
attributes = { %s }
"""
REDRIVE = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":3}'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[[users]]\nname = "a"\npassword_hash = "$2b$12$abcdefghijklmnopqrstuv"\n',
            "line 1: the password_hash of user 'a' is in no format that this broker knows: scrypt, SCRAM-SHA-256, "
            "or RabbitMQ's SHA-256 and SHA-512",
        ),
        (
            f'[[users]]\nname = "a"\npassword_hash = "{RABBIT}"\n[[users.permissions]]\nvhost = "orders"\n',
            "line 5: user 'a' has a permission in vhost 'orders', which is not defined: name it in [[vhosts]]",
        ),
        (
            f'[[users]]\nname = "a"\npassword_hash = "{RABBIT}"\n[[users.permissions]]\nread = "("\n',
            "line 4: the permission '(' of user 'a' cannot be used: pattern should be regular expression but is "
            "invalid: missing ), unterminated subpattern at position 0",
        ),
        (
            QUEUE % ("orders", 'DelaySeconds = "10000"'),
            "line 1: the queue 'orders' of aws cannot be made: Invalid value for the parameter DelaySeconds.",
        ),
        (
            QUEUE % ("orders", f"RedrivePolicy = '{REDRIVE % 'none'}'"),
            f"line 1: the queue 'orders' of aws cannot be made: Value {REDRIVE % 'none'} for parameter RedrivePolicy "
            "is invalid. Reason: Dead letter target does not exist.",
        ),
        ("default_user = 'shop'", "line 1: default_user and default_pass belong together: give both or none"),
    ],
)
def test_check_config_refuses_what_a_start_would_trip_over(tmp_path: Path, text: str, sentence: str) -> None:
    """It was called valid: nobody could log in, or the start ended without file and line."""
    path = write(tmp_path, text)
    result = run("check-config", path)
    assert (result.returncode, result.stderr) == (2, f"mqbroker: {path}, {sentence}\n")


def test_the_order_of_queues_in_the_configuration_does_not_matter(tmp_path: Path) -> None:
    """A queue whose dead-letter queue stands later in the file ended the start."""
    text = QUEUE % ("first", f"RedrivePolicy = '{REDRIVE % 'second'}'")
    text += QUEUE % ("second", f"RedrivePolicy = '{REDRIVE % 'third'}'") + QUEUE % ("third", "")
    result = run("check-config", write(tmp_path, text))
    assert (result.returncode, result.stderr) == (0, "")


def test_an_unknown_command_is_exit_code_2() -> None:
    assert run("frobnicate").returncode == 2


def key_file(folder: Path, name: str) -> str:
    """A file with a key that `mqbroker journal new-key` made."""
    path = folder / name
    path.write_text(run("journal", "new-key").stdout)
    path.chmod(0o600)
    return str(path)


def test_a_new_key_is_another_one_each_time(tmp_path: Path) -> None:
    first, second = run("journal", "new-key"), run("journal", "new-key")
    assert re.fullmatch(r"[0-9a-f]{64}\n", first.stdout)
    assert first.stdout != second.stdout


def test_check_config_reads_the_keys_and_names_the_first(tmp_path: Path) -> None:
    key = key_file(tmp_path, "key")
    path = write(tmp_path, f'[journal]\nencryption_keys = ["file:{key}"]\n')
    result = run("check-config", path)
    assert (result.returncode, result.stderr) == (0, "")
    (secret,) = read_keys([KeySource("file", key)], {})
    assert result.stdout.endswith(f"  journal encrypted with the key {key_id_of(secret)}\n")
    Path(key).chmod(0o644)
    result = run("check-config", path)
    assert result.returncode == 2
    assert result.stderr == (
        f"mqbroker: journal.encryption_keys: {key} can be read or written by others than its owner; "
        f"run: chmod 600 {key}\n"
    )


@pytest.fixture
def encrypted(tmp_path: Path) -> tuple[str, str]:
    """A damaged journal that is encrypted, and where its key is."""
    key = key_file(tmp_path, "key")
    journal = Journal(keyring=Keyring(read_keys([KeySource("file", key)], {})))
    journal.put(an_entry(1))
    journal.put(an_entry(2))
    journal.ledger.close()
    directory = tmp_path / "data"
    directory.mkdir()
    for name in segment_names(journal.disk.names()):
        content = bytearray(journal.disk.read(name))
        content[Scan(name, bytes(content), keyring=journal.keyring).frames[1].start] ^= 1
        (directory / name).write_bytes(content)
    return str(directory), key


@pytest.mark.parametrize("command", [("verify",), ("repair", "--dry-run"), ("repair",)], ids=" ".join)
def test_journal_commands_need_the_key_of_an_encrypted_journal(
    encrypted: tuple[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    directory, key = encrypted
    result = run("journal", *command, directory)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(
        r"mqbroker: 0{15}1\.journal is encrypted with the key [0-9a-f]{16}, and no key is given "
        r"\(option journal\.encryption_keys\)\n", result.stderr,
    )  # fmt: skip
    other = key_file(tmp_path, "other")
    for flags in (["--key", f"file:{other}", "--key", f"file:{key}"], ["--config", with_key(tmp_path, key)]):
        result = run("journal", *command, *flags, directory)
        assert (result.returncode, result.stderr) == (int(command[0] == "verify"), "")
        assert "good batches follow" in result.stdout or "there is nothing to repair" in result.stdout


def with_key(folder: Path, key: str) -> str:
    return write(folder, f'[journal]\nencryption_keys = ["file:{key}"]\n')


def test_inspect_says_which_key_is_missing_and_shows_the_records_with_it(encrypted: tuple[str, str]) -> None:
    directory, key = encrypted
    result = run("journal", "inspect", directory)
    assert result.returncode == 0
    assert "is encrypted with the key" in result.stdout
    result = run("journal", "inspect", "--key", f"file:{key}", directory)
    assert "checkpoint" in result.stdout


def test_a_key_that_is_given_in_clear_is_not_shown(encrypted: tuple[str, str]) -> None:
    result = run("journal", "verify", "--key", "00" * 32, encrypted[0])
    assert result.returncode == 2
    assert "has an entry that is not file:PATH, env:NAME or command:PROGRAM ARGUMENTS" in result.stderr
    assert "00" * 32 not in result.stderr
