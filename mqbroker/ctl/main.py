"""`mqbroker ctl`: the nouns, put together."""

import os
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from mqbroker.ctl import diagnostics, node, people, things, upkeep, verbs, watching
from mqbroker.ctl.client import Client
from mqbroker.ctl.output import FORMATS
from mqbroker.ctl.session import Commands, Session

_TIMEOUT_S = 60.0


def _password(url: str, file: Any) -> str:
    if file is not None:
        return str(file.read()).rstrip("\r\n")
    return os.environ.get("MQBROKER_CTL_PASSWORD", "") if url else ""


@click.group(cls=Commands)
@click.option("--data-dir", envvar="MQBROKER_DATA_DIR", type=click.Path(path_type=Path), default="mqbroker-data",
              show_default=True, help="Data directory of the broker on this machine.")  # fmt: skip
@click.option("--url", envvar="MQBROKER_CTL_URL", default="", help="URL of a management listener instead.")
@click.option("--user", envvar="MQBROKER_CTL_USER", default="", help="User at the URL; guest unless said.")
@click.option("--login-file", type=click.File("r"), help="File with the user's password, or MQBROKER_CTL_PASSWORD.")
@click.option("-p", "--vhost", default="/", show_default=True, help="Vhost.")
@click.option("-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="Format.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what was asked for.")
@click.option("-t", "--timeout", default=_TIMEOUT_S, help="Seconds to wait for an answer.")
@click.pass_context
def ctl(
    ctx: click.Context, data_dir: Path, url: str, user: str, login_file: Any, vhost: str, output: str, quiet: bool,
    timeout: float,
) -> None:  # fmt: skip
    """Look at a running broker, and change it: users, permissions, queues, connections."""
    client = Client(data_dir, url, user, _password(url, login_file), timeout)
    ctx.obj = Session(client, vhost, output, quiet)


@ctl.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands in a shell; for bash: eval "$(mqbroker ctl completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctl, {}, "mqbroker", "_MQBROKER_COMPLETE").source())


for _command in (
    people.user, people.vhost, people.permission, people.policy, people.parameter, things.queue, things.exchange,
    things.binding, things.connection, things.channel, things.consumer, node.ping, node.status, node.check,
    node.audit, node.reload, node.listener, node.definitions, *watching.COMMANDS, *verbs.COMMANDS,
    *diagnostics.COMMANDS, *upkeep.COMMANDS,
):  # fmt: skip
    ctl.add_command(_command)
for _command in node.LOG_COMMANDS:
    watching.log_group.add_command(_command)
