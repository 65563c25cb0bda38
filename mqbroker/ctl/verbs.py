"""The verbs of rabbitmqctl and rabbitmq-diagnostics, hidden, so that scripts run: their words, tables and exit codes.

Tables are separated by tabs, under a heading and a line of column names, unless -q or -s say otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Any

import click

from mqbroker.ctl.client import EXISTS, USAGE, CommandFailed, below, segment
from mqbroker.ctl.output import printed, value_of
from mqbroker.ctl.people import found_user, parsed, put_password, put_tags
from mqbroker.ctl.session import Session, Verbs, given_password, pass_session, vhost_option

_LISTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "list_queues": ("queues/{vhost}", "Listing queues for vhost {name} ...", ("name", "messages")),
    "list_exchanges": ("exchanges/{vhost}", "Listing exchanges for vhost {name} ...", ("name", "type")),
    "list_bindings": (
        "bindings/{vhost}", "Listing bindings for vhost {name}...",
        ("source_name", "source_kind", "destination_name", "destination_kind", "routing_key", "arguments"),
    ),
    "list_connections": ("connections", "Listing connections ...", ("user", "peer_host", "peer_port", "state")),
    "list_channels": ("channels", "Listing channels ...", ("pid", "user", "consumer_count", "messages_unacknowledged")),
    "list_consumers": (
        "consumers/{vhost}", "Listing consumers in vhost {name} ...",
        ("queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count", "active", "arguments"),
    ),
    "list_topic_permissions": (
        "vhosts/{vhost}/topic-permissions", 'Listing topic permissions for vhost "{name}" ...',
        ("user", "exchange", "write", "read"),
    ),
    "list_parameters": (
        "parameters", 'Listing runtime parameters for vhost "{name}" ...', ("component", "name", "value"),
    ),
    "list_global_parameters": ("global-parameters", "Listing global runtime parameters ...", ("name", "value")),
    "list_operator_policies": (
        "operator-policies/{vhost}", 'Listing operator policy overrides for vhost "{name}" ...',
        ("vhost", "name", "pattern", "apply-to", "definition", "priority"),
    ),
    "list_users": ("users", "Listing users ...", ("user", "tags")),
    "list_vhosts": ("vhosts", "Listing vhosts ...", ("name",)),
    "list_permissions": (
        "vhosts/{vhost}/permissions", 'Listing permissions for vhost "{name}" ...',
        ("user", "configure", "write", "read"),
    ),
    "list_policies": (
        "policies/{vhost}", 'Listing policies for vhost "{name}" ...',
        ("vhost", "name", "pattern", "apply-to", "definition", "priority"),
    ),
}  # fmt: skip
_OTHER_NAMES = {
    "list_users": {"user": "name"},
    "list_channels": {"pid": "name"},
    "list_consumers": {"queue_name": "queue.name", "channel_pid": "channel_details.name"},
    "list_bindings": {
        "source_name": "source", "destination_name": "destination", "destination_kind": "destination_type",
    },
}  # fmt: skip
"""What rabbitmqctl calls a field of the API."""

_DELETIONS = {
    "delete_user": ("users/{name}", 'Deleting user "{name}" ...', "user '{name}'"),
    "delete_vhost": ("vhosts/{name}", 'Deleting vhost "{name}" ...', "vhost '{name}'"),
    "clear_permissions": (
        "permissions/{vhost}/{name}", 'Clearing permissions for user "{name}" in vhost "{vhost}" ...', "user '{name}'",
    ),
    "clear_policy": (
        "policies/{vhost}/{name}", 'Clearing policy "{name}" on vhost "{vhost}" ...', "policy '{name}'",
    ),
    "clear_operator_policy": (
        "operator-policies/{vhost}/{name}", 'Clearing operator policy "{name}" on vhost "{vhost}" ...',
        "policy '{name}'",
    ),
    "clear_topic_permissions": (
        "topic-permissions/{vhost}/{name}", 'Clearing topic permissions for user "{name}" in vhost "{vhost}" ...',
        "user '{name}'",
    ),
    "clear_global_parameter": (
        "global-parameters/{name}", 'Clearing global runtime parameter "{name}" ...', "parameter '{name}'",
    ),
    "purge_queue": (
        "queues/{vhost}/{name}/contents", "Purging queue '{name}' in vhost '{vhost}' ...",
        "queue '{name}' in vhost '{vhost}'",
    ),
    "delete_queue": (
        "queues/{vhost}/{name}", "Deleting queue '{name}' on vhost '{vhost}' ...", "queue '{name}' in vhost '{vhost}'",
    ),
}  # fmt: skip
"""Paths of the API, what is said before, and what is not there when that is missing."""


def _columns_known(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    for column in columns:
        if rows and column not in rows[0]:
            raise CommandFailed(f"unknown column: {column}", USAGE)


def _lister(verb: str) -> click.Command:
    path, heading, default = _LISTS[verb]

    @click.command(verb, hidden=True)
    @vhost_option
    @click.option("-q", "--quiet", is_flag=True)
    @click.option("-s", "--silent", is_flag=True)
    @click.option("--no-table-headers", is_flag=True)
    @click.option("--formatter", default="table", type=click.Choice(["table", "json", "csv", "pretty_table"]))
    @click.argument("columns", nargs=-1)
    @pass_session
    def command(
        session: Session, vhost: str, quiet: bool, silent: bool, no_table_headers: bool, formatter: str,
        columns: tuple[str, ...],
    ) -> None:  # fmt: skip
        rows = session.client.get(path.format(vhost=segment(vhost)), f"vhost '{vhost}'")
        for row in rows:
            row.setdefault("source_kind", "exchange")
            row.update({new: value_of(row, old) for new, old in _OTHER_NAMES.get(verb, {}).items()})
        wanted = columns or default
        _columns_known(rows, wanted)
        if formatter == "table" and not (quiet or silent):
            click.echo(heading.format(name=vhost))
        form = {"table": "tsv", "pretty_table": "table"}.get(formatter, formatter)
        text = printed(rows, wanted, form, has_header=not (silent or no_table_headers))
        if text:
            click.echo(text)

    return command


def _deleter(verb: str) -> click.Command:
    path, heading, missing = _DELETIONS[verb]

    def command(session: Session, name: str, vhost: str = "") -> None:
        click.echo(heading.format(name=name, vhost=vhost))
        target = path.format(name=segment(name), vhost=segment(vhost))
        session.client.delete(target, missing.format(name=name, vhost=vhost))

    taken: Callable[..., Any] = pass_session(command)
    named = click.argument("name")(vhost_option(taken) if "{vhost}" in path else taken)
    return click.command(verb, hidden=True, help="As rabbitmqctl's.")(named)


COMMANDS = Verbs([*map(_lister, _LISTS), *map(_deleter, _DELETIONS)])
_verb = COMMANDS.verb


@_verb("add_user")
@click.argument("name")
@click.argument("password", default="")
def add_user(session: Session, name: str, password: str) -> None:
    """As rabbitmqctl's: the password may also come by standard input."""
    if session.client.exists(below("users", name)):
        raise CommandFailed(f'User "{name}" already exists', EXISTS)
    found = given_password(password)
    if not found:
        raise CommandFailed("the password is empty", USAGE)
    click.echo(f'Adding user "{name}" ...')
    session.client.put(below("users", name), {"password": found, "tags": ""})
    text = "Done. Don't forget to grant the user permissions to some virtual hosts! "
    click.echo(f"{text}See 'rabbitmqctl help set_permissions' to learn more.")


@_verb("change_password")
@click.argument("name")
@click.argument("password", default="")
def change_password(session: Session, name: str, password: str) -> None:
    """As rabbitmqctl's."""
    found = found_user(session, name)
    given = given_password(password)
    click.echo(f'Changing password for user "{name}" ...')
    put_password(session, found, given)


@_verb("set_user_tags")
@click.argument("name")
@click.argument("tags", nargs=-1)
def set_user_tags(session: Session, name: str, tags: tuple[str, ...]) -> None:
    """As rabbitmqctl's."""
    found = found_user(session, name)
    click.echo(f'Setting tags for user "{name}" to [{", ".join(tags)}] ...')
    put_tags(session, found, tags)


@_verb("add_vhost")
@click.argument("name")
def add_vhost(session: Session, name: str) -> None:
    """As rabbitmqctl's."""
    if session.client.exists(below("vhosts", name)):
        raise CommandFailed(f'Virtual host "{name}" already exists', EXISTS)
    click.echo(f'Adding vhost "{name}" ...')
    session.client.put(below("vhosts", name))


@_verb("set_permissions")
@vhost_option
@click.argument("name")
@click.argument("configure")
@click.argument("write")
@click.argument("read")
def set_permissions(session: Session, vhost: str, name: str, configure: str, write: str, read: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Setting permissions for user "{name}" in vhost "{vhost}" ...')
    session.client.put(below("permissions", vhost, name), {"configure": configure, "write": write, "read": read})


def _policy(verb: str, path: str, what: str) -> None:
    @_verb(verb)
    @vhost_option
    @click.option("--priority", default=0)
    @click.option("--apply-to", default="all")
    @click.argument("name")
    @click.argument("pattern")
    @click.argument("definition")
    def command(
        session: Session, vhost: str, priority: int, apply_to: str, name: str, pattern: str, definition: str
    ) -> None:
        click.echo(f'Setting {what} "{name}" for pattern "{pattern}" to "{definition}" with priority "{priority}" '
                   f'for vhost "{vhost}" ...')  # fmt: skip
        body = {"pattern": pattern, "definition": parsed(definition), "priority": priority, "apply-to": apply_to}
        session.client.put(below(path, vhost, name), body)


_policy("set_policy", "policies", "policy")
_policy("set_operator_policy", "operator-policies", "operator policy override")


def _tracing(verb: str, is_on: bool) -> None:
    doing = "Starting" if is_on else "Stopping"

    @_verb(verb)
    @vhost_option
    def command(session: Session, vhost: str) -> None:
        click.echo(f'{doing} tracing for vhost "{vhost}" ...')
        session.client.put(below("vhosts", vhost), {"tracing": is_on}, f"vhost '{vhost}'")
        click.echo(f"Trace {'enabled' if is_on else 'disabled'} for vhost {vhost}")


@_verb("set_log_level")
@click.argument("level")
def set_log_level(session: Session, level: str) -> None:
    """As rabbitmqctl's; `CATEGORY.LEVEL` sets that of a category."""
    category, _, name = level.rpartition(".")
    click.echo(f'Setting log level to "{level}" ...')
    session.client.put(below("mqbroker", "log", "levels", category or "default"), {"level": name})


@_verb("rotate_logs")
def rotate_logs(session: Session) -> None:
    """As rabbitmqctl's."""
    session.client.call("POST", "mqbroker/log/rotate")


_tracing("trace_on", is_on=True)
_tracing("trace_off", is_on=False)


@_verb("check_running")
def check_running(session: Session) -> None:
    """As rabbitmq-diagnostics': container health checks call it."""
    session.client.get("whoami")
    click.echo("RabbitMQ on this node is fully booted and running")


@_verb("check_port_connectivity")
def check_port_connectivity(session: Session) -> None:
    """As rabbitmq-diagnostics'."""
    session.client.get("health/checks/is-in-service")
    click.echo("Successfully connected to all ports")


@_verb("await_startup")
def await_startup(session: Session) -> None:
    """As rabbitmqctl's: who can be asked has started."""
    session.client.get("whoami")
