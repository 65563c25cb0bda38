"""What every command has at hand: the client, the vhost, and the way in which answers are printed."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from mqbroker.ctl.client import USAGE, Client, CommandFailed, segment
from mqbroker.ctl.output import Row, printed

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Session:
    """One run of the command line."""

    client: Client
    vhost: str
    form: str
    is_quiet: bool

    def show(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """Prints rows."""
        text = printed(rows, columns, self.form)
        if text:
            click.echo(text)

    def show_fields(self, found: Mapping[str, Any]) -> None:
        """Prints the fields of one thing, each in a row."""
        self.show([{"field": name, "value": value} for name, value in found.items()], ["field", "value"])

    def say(self, sentence: str) -> None:
        """Says what was done, to people."""
        if not self.is_quiet and self.form == "table":
            click.echo(sentence)


pass_session = click.make_pass_decorator(Session)


class Verbs(list[click.Command]):
    """Commands in the words of RabbitMQ's tools: hidden, for scripts."""

    def verb(self, name: str) -> Callable[[Callable[..., Any]], click.Command]:
        """Makes a function one of them."""

        def decorate(command: Callable[..., Any]) -> click.Command:
            taken: Callable[..., Any] = pass_session(command)
            found = click.command(name, hidden=True)(taken)
            self.append(found)
            return found

        return decorate


def _vhost(ctx: click.Context, _option: click.Parameter, given: str | None) -> str:
    return str(ctx.obj.vhost) if given is None else given


vhost_option = click.option("-p", "--vhost", default=None, callback=_vhost)
"""The vhost of one of them, where it stands after the verb."""


class Commands(click.Group):
    """A group whose commands end with a sentence on standard error and an exit code of sysexits.h."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            ctx.exit(USAGE)
        except CommandFailed as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.code)


def columns_option(*default: str) -> Callable[[Command], Command]:
    """`--columns a,b.c`."""
    return click.option("--columns", default=",".join(default), show_default=True, help="Which, separated by commas.")


def split(columns: str) -> list[str]:
    """The columns of such a list."""
    return [column for column in columns.split(",") if column]


def listing(path: str, text: str, default: str) -> click.Command:
    """The command `list` of a noun: what there is at a path of the API, which may be one of the vhost."""

    @click.command("list", help=text)
    @columns_option(default)
    @pass_session
    def command(session: Session, columns: str) -> None:
        missing = f"vhost '{session.vhost}'" if "{vhost}" in path else ""
        session.show(session.client.get(path.format(vhost=segment(session.vhost)), missing), split(columns))

    return command


def password_option(command: Command) -> Command:
    """`--password-file`, `-` for standard input; without it the password is asked for. It is never an argument: other
    users of the machine can read those."""
    text = "File with the password, - for standard input; asked for otherwise."
    return click.option("--password-file", type=click.File("r"), help=text)(command)


def given_password(argument: str) -> str:
    """The password that scripts give as an argument, or by standard input."""
    return argument or sys.stdin.readline().rstrip("\n")


def read_password(file: Any) -> str:
    """The password. Raises CommandFailed for an empty one."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True) if file is None else file.read()
    found = str(password).rstrip("\r\n")
    if not found:
        raise CommandFailed("the password is empty", USAGE)
    return found
