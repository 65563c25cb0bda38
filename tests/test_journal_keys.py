"""Keys of the journal, read from files, variables and commands; no sentence ever holds one."""

import os
import shlex
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from mqbroker.config.keys import KeySource, read_keys
from mqbroker.config.sections import JournalConfig
from mqbroker.errors import ConfigError
from mqbroker.spoken import load_config

KEY = bytes(range(200, 232))
HEX = KEY.hex()
BASE64 = b64encode(KEY).decode()
FORMS = [HEX, HEX.upper(), BASE64, f"  {HEX}\n", f"{BASE64}\r\n"]
WRONG = ["", HEX[:-2], HEX + "00", HEX[:-1] + "g", BASE64[:-4], "A" * 44 + "=", "x" * 31, "secret " * 300]
NO_KEY = "does not hold a key of 32 bytes: 64 hexadecimal digits, or the same in Base64"


def key_file(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "journal.key"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def read(source: str, **environment: str) -> bytes:
    (key,) = read_keys([KeySource.parse(source)], environment)
    return key


def refusal(source: str, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(source, **environment)
    return str(caught.value).removeprefix("journal.encryption_keys: ")


def printing(text: str, then: str = "") -> str:
    """A command that prints the text."""
    program = f"import sys; sys.stdout.write({text!r}); sys.stdout.flush(); {then}"
    return f"command:{shlex.join([sys.executable, '-c', program])}"


@pytest.mark.parametrize("text", FORMS)
def test_a_key_is_read_from_everywhere_in_every_form(tmp_path: Path, text: str) -> None:
    assert read(f"file:{key_file(tmp_path, text)}") == KEY
    assert read("env:A_KEY", A_KEY=text) == KEY
    assert read(printing(text)) == KEY


def test_a_file_may_hold_the_bytes_as_they_are(tmp_path: Path) -> None:
    assert read(f"file:{key_file(tmp_path, KEY)}") == KEY


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = key_file(tmp_path, text)
    assert refusal(f"file:{path}") == f"{path} {NO_KEY}, or 32 bytes as they are"
    assert refusal("env:A_KEY", A_KEY=text) == f"A_KEY {NO_KEY}"
    assert refusal(printing(text)) == f"the command {sys.executable} {NO_KEY}"


def test_several_keys_keep_their_order(tmp_path: Path) -> None:
    sources = [KeySource.parse(f"file:{key_file(tmp_path, HEX)}"), KeySource.parse("env:OLD")]
    assert read_keys(sources, {"OLD": "00" * 32}) == (KEY, bytes(32))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(f"file:{tmp_path}/none") == f"{tmp_path}/none cannot be read: No such file or directory"
    assert refusal(f"file:{tmp_path}") == f"{tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, HEX, mode)
    assert refusal(f"file:{path}") == (
        f"{path} can be read or written by others than its owner; run: chmod 600 {path}"
    )  # fmt: skip


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refusal(f"file:{tmp_path}/pipe") == f"{tmp_path}/pipe is not a file"


def test_a_variable_that_is_not_set_is_named() -> None:
    assert refusal("env:A_KEY") == "A_KEY is not set in the environment"


def test_a_command_that_fails_is_told_by_its_status_alone() -> None:
    command = printing(HEX, "sys.stderr.write('secret'); sys.exit(3)")
    assert refusal(command) == f"the command {sys.executable} failed with exit status 3"


def test_a_command_that_is_not_there_is_named() -> None:
    reason = "cannot be run: No such file or directory"
    assert refusal("command:/nowhere/get-key -x") == f"the command /nowhere/get-key {reason}"


def test_a_command_is_no_shell_line() -> None:
    program = shlex.quote("import sys; print(sys.argv[1:] == ['$HOME', '|', 'x y'] and sys.stdin.read() + '0f' * 32)")
    assert read(f"command:{sys.executable} -c {program} $HOME | 'x y'") == b"\x0f" * 32


@pytest.mark.parametrize("then", ["import time; time.sleep(600)", "sys.stdout.write('x' * 100_000_000)"])
def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    monkeypatch.setattr("mqbroker.config.keys.KEY_COMMAND_TIMEOUT_S", 1)
    assert refusal(printing(HEX, then)) == f"the command {sys.executable} gave no key within 1 seconds"


@pytest.mark.parametrize("entry", [HEX, f"hex:{HEX}", "file:", "env: ", "command:", "", f"File:{HEX}"])
def test_an_entry_that_is_no_source_is_refused_and_not_shown(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "broker.toml"
    path.write_text(f'[journal]\nencryption_keys = ["{entry}"]\n')
    path.chmod(0o600)
    expected = "has an entry that is not file:PATH, env:NAME or command:PROGRAM ARGUMENTS"
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path}, line 2: journal.encryption_keys {expected}"


def test_a_command_with_an_open_quote_is_refused() -> None:
    with pytest.raises(ValueError, match="has a command with a mistake in its quotes: No closing quotation"):
        KeySource.parse("command:get-key 'x")


def test_sources_come_from_the_environment_too() -> None:
    config = load_config(None, {"MQBROKER_JOURNAL_ENCRYPTION_KEYS": "file:/a key, env:B"})
    assert config.journal.encryption_keys == (KeySource("file", "/a key"), KeySource("env", "B"))


def test_sources_are_not_shown() -> None:
    assert "get-key" not in repr(JournalConfig(encryption_keys=(KeySource("command", "get-key --token x"),)))
