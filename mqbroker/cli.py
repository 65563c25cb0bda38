"""The command `mqbroker`. Translates flags and exit codes; what the commands do lives elsewhere.

Exit codes: 0 done, 1 it failed or found damage, 2 the configuration or the command line has to be mended.
"""

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mqbroker import __version__
from mqbroker.built import FORM
from mqbroker.config.composition import config_kind
from mqbroker.config.keys import KEY_BYTES, KeySource, read_keys
from mqbroker.config.option import Option, all_options
from mqbroker.errors import ConfigError, MqbrokerError
from mqbroker.net.tls import server_context
from mqbroker.spoken import PROTOCOLS, load_config

if TYPE_CHECKING:
    from mqbroker.storage.keys.keyring import Keyring

CONFIG_VARIABLE = "MQBROKER_CONFIG"
FILE = click.Path(path_type=Path)
DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


class Program(click.Group):
    """A group whose commands end with one plain sentence when something that we foresaw goes wrong."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Overrides Group's: with those that are loaded when they are asked for."""
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Overrides Group's."""
        find = _ELSEWHERE.get(cmd_name)
        return super().get_command(ctx, cmd_name) if find is None else find()

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a foreseen error becomes its exit code."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            _fail(str(error), 2)
        except MqbrokerError as error:
            _fail(str(error), 1)


def _ctl() -> click.Command:
    from mqbroker.ctl.main import ctl

    return ctl


def _import() -> click.Command:
    from mqbroker.ctl.imports.command import import_files

    return import_files


_ELSEWHERE: Mapping[str, Callable[[], click.Command]] = {"ctl": _ctl, "import": _import}
"""Commands that are clients of a broker: a broker starts without their weight."""


def _fail(sentence: str, code: int) -> NoReturn:
    click.echo(f"mqbroker: {sentence}", err=True)
    sys.exit(code)


def config_flags(command: Command) -> Command:
    """Adds one flag for every option that declares one."""
    flagged = [option for option in all_options(config_kind(PROTOCOLS)) if option.rules.flag]
    for option in reversed(flagged):
        command = _flag(option)(command)
    return command


def _flag(option: Option) -> Callable[[Command], Command]:
    rules = option.rules
    flag, _, metavar = rules.flag.partition(" ")
    path = ".".join(option.path)
    if option.kind is bool:
        return click.option(flag, path, is_flag=True, default=None, help=rules.help)
    kind = click.Choice(rules.choices) if rules.choices else str
    return click.option(flag, path, multiple=option.is_list, type=kind, metavar=metavar or None, help=rules.help)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mqbroker", message=f"%(prog)s %(version)s ({FORM})")
def main() -> None:
    """One broker, many protocols, one durable routing core."""


@main.command()
@click.option("--config", "config_file", type=FILE, envvar=CONFIG_VARIABLE, help="TOML file.")
@config_flags
def serve(config_file: Path | None, **flags: Any) -> None:
    """Run the broker until SIGTERM or SIGINT."""
    given = {path: value for path, value in flags.items() if value not in (None, ())}
    config = load_config(config_file, os.environ, given)
    from mqbroker.server import serve as serve_config  # the other commands start without the broker's weight

    sys.exit(serve_config(config, load=lambda: load_config(config_file, os.environ, given)))


@main.command("check-config")
@click.argument("config_file", metavar="[FILE]", type=FILE, envvar=CONFIG_VARIABLE, required=False)
def check_config(config_file: Path | None) -> None:
    """Say whether a configuration would start, and where it would listen."""
    config = load_config(config_file, os.environ)
    if config.tls.certificate is not None:
        server_context(config.tls)
    from mqbroker.server import rehearse

    rehearse(config)
    click.echo(f"{config_file or 'the default configuration'} is valid")
    for listener in config.listeners:
        click.echo(f"  listen on {listener.url}")
    click.echo(f"  data in {config.data_dir}, durability {config.durability}")
    if keyring := _keyring(config.journal.encryption_keys):
        click.echo(f"  journal encrypted with the key {keyring.key_id}")


def _keyring(sources: Sequence[KeySource]) -> "Keyring | None":
    if not sources:
        return None
    from mqbroker.storage.keys.keyring import Keyring

    return Keyring(read_keys(sources, os.environ))


class KeyType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 only
    """A place that holds a key, as in `journal.encryption_keys`."""

    name = "source"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value is not in the sentence when it is wrong: it could be the key."""
        try:
            return value if isinstance(value, KeySource) else KeySource.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def key_flags(command: Command) -> Command:
    """Adds the flags that say where the keys of an encrypted journal are."""
    config = click.option("--config", "config_file", type=FILE, envvar=CONFIG_VARIABLE, help="TOML file with the keys.")
    key = click.option("--key", "keys", type=KeyType(), multiple=True, help="file:PATH, env:NAME or command:PROGRAM.")
    return config(key(command))


def _given_keyring(config_file: Path | None, keys: tuple[KeySource, ...]) -> "Keyring | None":
    config = load_config(config_file, os.environ)
    return _keyring((*keys, *config.journal.encryption_keys))


@main.command("hash-password")
@click.option("--scram", is_flag=True, help="For SCRAM-SHA-256 as well, which MQTT 5 clients may log in with.")
@click.option("--password-file", type=click.File("r"), help="File with the password, - for standard input.")
def hash_password(scram: bool, password_file: Any) -> None:
    """Print the hash of a password, for password_hash in the configuration or in definitions."""
    from mqbroker.core.access import passwords
    from mqbroker.ctl.session import read_password

    password = read_password(password_file).encode()
    make = passwords.hash_for_scram if scram else passwords.hash_password
    click.echo(make(password, secrets.token_bytes(passwords.SALT_BYTES)))


@main.group()
def audit() -> None:
    """Look at the audit trail of a broker."""


@audit.command("verify")
@click.argument("directory", type=DIRECTORY)
@click.option("--hash", "expected", default="", help="The last hash that was shown earlier: its record must be there.")
def verify_audit(directory: Path, expected: str) -> None:
    """Check that no record in DIRECTORY was changed or removed; exit with 1 if one was.

    DIRECTORY is the folder audit in the data directory.
    """
    from mqbroker.runtime.audit.verify import verify as verify_trail

    findings = verify_trail(directory, expected)
    click.echo(str(findings))
    sys.exit(1 if findings.faults else 0)


@main.group()
def journal() -> None:
    """Look at a journal, or mend it; make a key to encrypt it with."""


@journal.command("new-key")
def new_key() -> None:
    """Print a new random key, for journal.encryption_keys."""
    click.echo(secrets.token_hex(KEY_BYTES))


@journal.command()
@click.argument("directory", type=DIRECTORY)
@key_flags
def verify(directory: Path, config_file: Path | None, keys: tuple[KeySource, ...]) -> None:
    """Check every batch of the journal in DIRECTORY; exit with 1 if it is damaged."""
    from mqbroker.storage.tools.verify import verify as verify_journal

    report = verify_journal(directory, _given_keyring(config_file, keys))
    click.echo(str(report))
    sys.exit(0 if report.is_sound else 1)


@journal.command()
@click.argument("directory", type=DIRECTORY)
@key_flags
def inspect(directory: Path, config_file: Path | None, keys: tuple[KeySource, ...]) -> None:
    """Print what the journal in DIRECTORY records, one line each, without message bodies."""
    from mqbroker.storage.tools.verify import inspect as inspect_journal

    for line in inspect_journal(directory, _given_keyring(config_file, keys)):
        click.echo(line)


@journal.command()
@click.argument("directory", type=DIRECTORY)
@click.argument("destination", type=click.Path(path_type=Path))
def backup(directory: Path, destination: Path) -> None:
    """Copy the journal in DIRECTORY to the new directory DESTINATION; a broker may be writing it meanwhile."""
    from mqbroker.storage.tools.backup import backup as back_up

    click.echo(f"{back_up(directory, destination)} files of the journal are in {destination}")


@journal.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@key_flags
def repair(directory: Path, dry_run: bool, config_file: Path | None, keys: tuple[KeySource, ...]) -> None:
    """Cut the damage out of the journal in DIRECTORY. What is cut out is lost; the files are kept as *.damaged."""
    from mqbroker.storage.tools.verify import repair as repair_journal

    keyring = _given_keyring(config_file, keys)
    for line in repair_journal(directory, dry_run, keyring) or ["there is nothing to repair"]:
        click.echo(line)


CONFIG = click.option("--config", "config_file", type=FILE, envvar=CONFIG_VARIABLE, help="TOML file of the node.")


@main.group()
def ha() -> None:
    """Look at a node of a pair, or have it do something; it must be running."""


@ha.command()
@CONFIG
def status(config_file: Path | None) -> None:
    """Print what the node knows of its pair; exit with 1 if a failure now would not be survived."""
    from mqbroker.replication.control import described

    lines, is_safe = described(load_config(config_file, os.environ).pair)
    click.echo("\n".join(lines))
    sys.exit(0 if is_safe else 1)


@ha.command()
@CONFIG
def switchover(config_file: Path | None) -> None:
    """Have the active node stop in order, and a standby take over."""
    from mqbroker.replication.control import told

    click.echo(told(load_config(config_file, os.environ).pair, {"do": "switchover"}))


@ha.command()
@CONFIG
@click.option("--epoch", type=int, required=True, help="The next epoch, as `mqbroker ha status` shows it.")
@click.option("--force", is_flag=True, help="Also when this node may lack confirmed messages, which are then lost.")
def promote(config_file: Path | None, epoch: int, force: bool) -> None:
    """Have this standby take over while nobody leads, although it would not by itself."""
    from mqbroker.replication.control import told

    click.echo(told(load_config(config_file, os.environ).pair, {"do": "promote", "epoch": epoch, "force": force}))


@ha.command("verify")
@CONFIG
def verify_pair(config_file: Path | None) -> None:
    """Compare the journals of this node and of the active one, while both run; exit with 1 if they differ."""
    from mqbroker.replication.control import compared

    lines, are_alike = compared(load_config(config_file, os.environ).pair)
    click.echo("\n".join(lines))
    sys.exit(0 if are_alike else 1)
