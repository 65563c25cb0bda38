"""`mqbroker import`: reads files of another broker, says what it takes over, and gives it to a running broker.

Everything is read before anything is changed, and the broker takes all definitions or none.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mqbroker.ctl.client import BAD_DATA, Client, CommandFailed
from mqbroker.ctl.imports import elasticmq, mosquitto, rabbitmq
from mqbroker.ctl.imports.found import CannotImport, Found

_TIMEOUT_S = 600.0


class _Alone(click.Command):
    """A command whose failures end as those of `ctl`."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CommandFailed as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.code)


@click.command("import", cls=_Alone)
@click.option("--from", "source", type=click.Choice(["rabbitmq", "mosquitto", "elasticmq"]), required=True)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only say what would be taken over.")
@click.option("--vhost", default="/", show_default=True, help="Where users of Mosquitto go.")
@click.option("--write", "target", type=click.Path(path_type=Path), help="New file for options of the configuration.")
@click.option("--data-dir", envvar="MQBROKER_DATA_DIR", type=click.Path(path_type=Path), default="mqbroker-data")
@click.option("--url", envvar="MQBROKER_CTL_URL", default="", help="URL of a management listener instead.")
@click.option("--user", envvar="MQBROKER_CTL_USER", default="", help="User at the URL.")
def import_files(
    source: str, files: tuple[Path, ...], dry_run: bool, vhost: str, target: Path | None, data_dir: Path, url: str,
    user: str,
) -> None:  # fmt: skip
    """Take over users, permissions, queues and options of another broker.

    From rabbitmq: definitions. From mosquitto: mosquitto.conf with the files that it names, or dynamic-security.json.
    From elasticmq: its configuration. Users and definitions go to a running broker; options are printed, for its
    configuration, or go to the file of --write. The password of --user is taken from MQBROKER_CTL_PASSWORD.
    """
    found = read(source, files, vhost)
    for sentence in found.notes:
        click.echo(f"not taken over as it was: {sentence}", err=True)
    for sentence in found.summary():
        click.echo(f"{'would take' if dry_run else 'taking'} over {sentence}", err=True)
    if not dry_run and found.definitions:
        client = Client(data_dir, url, user, _password(), _TIMEOUT_S)
        client.call("POST", "definitions", found.definitions)
        click.echo("the definitions were imported", err=True)
    if found.toml():
        _write(found.toml(), None if dry_run else target)


def _password() -> str:
    return os.environ.get("MQBROKER_CTL_PASSWORD", "")


def read(source: str, files: tuple[Path, ...], vhost: str = "/") -> Found:
    """Everything in the files. Raises CommandFailed for one that is broken."""
    found = Found()
    takers: dict[str, Callable[[Path], None]] = {
        "rabbitmq": lambda path: rabbitmq.take(path, found),
        "mosquitto": lambda path: mosquitto.take(path, vhost, found),
        "elasticmq": lambda path: elasticmq.take(path, found),
    }
    try:
        for path in files:
            takers[source](path)
    except CannotImport as error:
        raise CommandFailed(str(error), BAD_DATA) from None
    return found


def _write(text: str, target: Path | None) -> None:
    if target is None:
        click.echo(text, nl=False)
        return
    try:
        with target.open("x") as file:
            file.write(text)
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror}", BAD_DATA) from None
    click.echo(f"the options are in {target}", err=True)
