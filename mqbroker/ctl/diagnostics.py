"""More verbs of rabbitmqctl and rabbitmq-diagnostics, hidden: checks, connections, parameters, definitions."""

import json
from typing import Any

import click

from mqbroker.ctl.client import BAD_DATA, CommandFailed, below, segment
from mqbroker.ctl.people import found_user, parsed
from mqbroker.ctl.session import Session, Verbs, given_password, vhost_option

COMMANDS = Verbs()
_verb = COMMANDS.verb


# --- checks ---------------------------------------------------------------------------------------------------------

_CHECKS = {
    "check_alarms": ("alarms", "Node reported no alarms", "Node reported the following alarms: {reason}"),
    "check_local_alarms": ("local-alarms", "Node reported no local alarms", "Node reported alarms: {reason}"),
    "check_virtual_hosts": ("virtual-hosts", "Node reported all vhosts as running", "Some vhosts are down: {reason}"),
}


def _checked(session: Session, path: str, well: str, ill: str) -> None:
    code, reason = session.client.check(path)
    if code:
        raise CommandFailed(ill.replace("{reason}", reason), code)
    click.echo(well)


def _check(name: str) -> None:
    path, well, ill = _CHECKS[name]

    @_verb(name)
    def command(session: Session) -> None:
        _checked(session, path, well, ill)


for _name in _CHECKS:
    _check(_name)


@_verb("check_port_listener")
@click.argument("port")
def check_port_listener(session: Session, port: str) -> None:
    """As rabbitmq-diagnostics'."""
    text = f"A listener for port {port} is running"
    _checked(session, f"port-listener/{segment(port)}", text, f"No listener for port {port} is active")


@_verb("check_protocol_listener")
@click.argument("protocol")
def check_protocol_listener(session: Session, protocol: str) -> None:
    """As rabbitmq-diagnostics'."""
    text = f"A listener for protocol {protocol} is running"
    _checked(session, f"protocol-listener/{segment(protocol)}", text, f"No listener for protocol {protocol} is active")


@_verb("check_certificate_expiration")
@click.option("--unit", default="weeks")
@click.option("--within", default=4)
def check_certificate_expiration(session: Session, unit: str, within: int) -> None:
    """As rabbitmq-diagnostics'."""
    text = f"No certificates are expiring within {within} {unit}"
    path = f"certificate-expiration/{within}/{segment(unit)}"
    _checked(session, path, text, f"Some certificates are expiring within {within} {unit}: {{reason}}")


@_verb("is_running")
def is_running(session: Session) -> None:
    """As rabbitmq-diagnostics'."""
    session.client.get("whoami")
    click.echo("true")


@_verb("server_version")
def server_version(session: Session) -> None:
    """As rabbitmq-diagnostics'."""
    click.echo(session.client.get("overview")["rabbitmq_version"])


@_verb("listeners")
def listeners(session: Session) -> None:
    """As rabbitmq-diagnostics'."""
    for each in session.client.get("overview")["listeners"]:
        where = f"Interface: {each['ip_address']}, port: {each['port']}"
        click.echo(f"{where}, protocol: {each['protocol']}, purpose: {each['protocol']}")


# --- users and connections --------------------------------------------------------------------------------------------


@_verb("authenticate_user")
@click.argument("name")
@click.argument("password", default="")
def authenticate_user(session: Session, name: str, password: str) -> None:
    """As rabbitmqctl's."""
    found = given_password(password)
    click.echo(f'Authenticating user "{name}" ...')
    body = {"username": name, "password": found}
    status, answer = session.client.answer("POST", "login", body)
    is_right = status < 400 or (answer or {}).get("reason") == "Not management user"  # who may not manage, may log in
    if not is_right:
        raise CommandFailed(f'failed to authenticate user "{name}"', BAD_DATA)
    click.echo("Success")


@_verb("clear_password")
@click.argument("name")
def clear_password(session: Session, name: str) -> None:
    """As rabbitmqctl's."""
    found = found_user(session, name)
    click.echo(f'Clearing password for user "{name}" ...')
    session.client.put(below("users", name), {"password_hash": "", "tags": found["tags"]})


@_verb("list_user_permissions")
@click.argument("name")
def list_user_permissions(session: Session, name: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Listing permissions for user "{name}" ...')
    rows = session.client.get(f"{below('users', name)}/permissions", f"user '{name}'")
    click.echo("vhost\tconfigure\twrite\tread")
    for row in rows:
        click.echo("\t".join(row[column] for column in ("vhost", "configure", "write", "read")))


@_verb("set_topic_permissions")
@vhost_option
@click.argument("name")
@click.argument("exchange")
@click.argument("write")
@click.argument("read")
def set_topic_permissions(
    session: Session, vhost: str, name: str, exchange: str, write: str, read: str
) -> None:  # fmt: skip
    """As rabbitmqctl's."""
    click.echo(f'Setting topic permissions on "{exchange}" for user "{name}" in vhost "{vhost}" ...')
    body = {"exchange": exchange, "write": write, "read": read}
    session.client.put(below("topic-permissions", vhost, name), body)


@_verb("close_connection")
@click.argument("name")
@click.argument("reason")
def close_connection(session: Session, name: str, reason: str) -> None:
    """As rabbitmqctl's, with the connection's name in place of an Erlang pid."""
    click.echo(f"Closing connection {name}, reason: {reason}...")
    missing = f"connection '{name}'"
    session.client.call("DELETE", below("connections", name), missing=missing, headers={"X-Reason": reason})


@_verb("close_all_user_connections")
@click.argument("name")
@click.argument("reason")
def close_all_user_connections(session: Session, name: str, reason: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f"Closing connections of user {name}, reason: {reason} ...")
    session.client.call("DELETE", below("connections", "username", name), headers={"X-Reason": reason})


@_verb("close_all_connections")
@vhost_option
@click.argument("reason")
def close_all_connections(session: Session, vhost: str, reason: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f"Closing all connections in vhost {vhost} ...")
    for each in session.client.get(f"{below('vhosts', vhost)}/connections", f"vhost '{vhost}'"):
        session.client.answer("DELETE", below("connections", each["name"]), headers={"X-Reason": reason})


# --- limits, parameters, definitions ----------------------------------------------------------------------------------


@_verb("set_vhost_limits")
@vhost_option
@click.argument("limits")
def set_vhost_limits(session: Session, vhost: str, limits: str) -> None:
    """As rabbitmqctl's: a JSON object."""
    click.echo(f'Setting vhost limits to "{limits}" for vhost "{vhost}" ...')
    for name, value in parsed(limits).items():
        session.client.put(below("vhost-limits", vhost, name), {"value": value})


@_verb("set_user_limits")
@click.argument("name")
@click.argument("limits")
def set_user_limits(session: Session, name: str, limits: str) -> None:
    """As rabbitmqctl's: a JSON object."""
    click.echo(f'Setting user limits to "{limits}" for user "{name}" ...')
    for limit, value in parsed(limits).items():
        session.client.put(below("user-limits", name, limit), {"value": value})


@_verb("set_parameter")
@vhost_option
@click.argument("component")
@click.argument("name")
@click.argument("value")
def set_parameter(session: Session, vhost: str, component: str, name: str, value: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Setting runtime parameter "{name}" for component "{component}" to "{value}" in vhost "{vhost}" ...')
    session.client.put(below("parameters", component, vhost, name), {"value": parsed(value)})


@_verb("clear_parameter")
@vhost_option
@click.argument("component")
@click.argument("name")
def clear_parameter(session: Session, vhost: str, component: str, name: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Clearing runtime parameter "{name}" for component "{component}" on vhost "{vhost}" ...')
    session.client.delete(below("parameters", component, vhost, name), f"parameter '{name}'")


@_verb("set_global_parameter")
@click.argument("name")
@click.argument("value")
def set_global_parameter(session: Session, name: str, value: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Setting global runtime parameter "{name}" to "{value}" ...')
    session.client.put(below("global-parameters", name), {"value": parsed(value)})


@_verb("export_definitions")
@click.argument("file", type=click.File("w"))
def export_definitions(session: Session, file: Any) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Exporting definitions in JSON to a file at "{file.name}" ...', err=file.name == "-")
    json.dump(session.client.get("definitions"), file)


@_verb("import_definitions")
@click.argument("file", type=click.File("r"))
def import_definitions(session: Session, file: Any) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Importing definitions in JSON from a file at "{file.name}" ...')
    session.client.call("POST", "definitions", parsed(file.read()))
